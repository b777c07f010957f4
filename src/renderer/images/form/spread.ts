/** Up to so many classes: one of each family ("Apple Braeburn" and "Apple Golden" look alike), taken from all over the list. */
export function spread(classes: readonly string[], count: number): string[] {
  const families = new Map(classes.toReversed().map((name) => [name.split(' ')[0], name]));
  const names = [...families.values()].reverse();
  const stride = Math.max(1, names.length / count);
  return Array.from({ length: Math.min(count, names.length) }, (_, n) => names[Math.floor(n * stride)] ?? '');
}
