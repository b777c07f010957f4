/**
 * Ranks `names` against a typed query. Every word of the query has to be found, in any order: at the start of a word, inside one,
 * or as letters in order ("bnna" finds Banana). Best first; equal ones keep their order. An empty query keeps everything.
 */
export function fuzzyFilter(names: readonly string[], query: string): string[] {
  const words = fold(query).split(/\s+/).filter(Boolean);
  if (words.length === 0) return [...names];
  const found: { name: string; score: number }[] = [];
  for (const name of names) {
    const folded = fold(name);
    let score = 0;
    for (const word of words) {
      const s = wordScore(folded, word);
      if (s === 0) {
        score = 0;
        break;
      }
      score += s;
    }
    if (score > 0) found.push({ name, score });
  }
  return found.sort((a, b) => b.score - a.score).map(({ name }) => name);
}

function wordScore(name: string, word: string): number {
  if (name.startsWith(word)) return 4;
  if (name.includes(` ${word}`)) return 3;
  if (name.includes(word)) return 2;
  // Fewer than three letters in order are in nearly every name.
  return word.length >= 3 && hasInOrder(name, word) ? 1 : 0;
}

function hasInOrder(name: string, letters: string): boolean {
  let at = 0;
  for (const letter of name) if (letter === letters[at]) at++;
  return at === letters.length;
}

function fold(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}
