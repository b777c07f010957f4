export interface SetCode {
  position: number;
  depth: number;
  code: number;
}

/** `0,3,8-11` as positions; null where it is not so written. */
export function parsePositions(text: string): number[] | null {
  const positions = text.split(',').map((part): number[] | null => {
    const [, first, last] = /^(\d+)(?:-(\d+))?$/.exec(part.trim()) ?? [];
    if (first === undefined) return null;
    const [from, to] = [Number(first), Number(last ?? first)];
    // Far beyond any model, so that a slip of the keyboard does not fill the memory.
    return to < from || to >= 1e6 ? null : Array.from({ length: to - from + 1 }, (_, n) => from + n);
  });
  const known = positions.filter((part) => part !== null);
  return known.length === positions.length ? [...new Set(known.flat())] : null;
}

/** `POS,DEPTH=CODE`; null where it is not so written. */
export function parseSetCode(text: string): SetCode | null {
  const [, position, depth, code] = /^(\d+),(\d+)=(\d+)$/.exec(text.trim()) ?? [];
  return position === undefined ? null : { position: Number(position), depth: Number(depth), code: Number(code) };
}
