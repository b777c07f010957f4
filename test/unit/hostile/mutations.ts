import fc from 'fast-check';

/** How many cases are made of each kind, in every run of the tests: together at least 10,000 (`corpus.test.ts`). */
export const CASES = {
  tokenFile: 3000,
  manifest: 2500,
  manifestFile: 300,
  picture: 1500,
  /** Of each format. */
  compressedSound: 500,
  /** Of each sound. */
  sound: 500,
  /** Of each of three ways to damage one. */
  graph: 700,
  message: 4000,
  callName: 500,
  json: 1000,
  backup: 200,
  arguments: 300,
} as const;

/** A file with some bytes changed, cut out, doubled or cut off. */
export function damaged(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  const place = fc.nat(bytes.length - 1);
  const byte = fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff));
  const change = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('set' as const), at: place, byte }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut' as const), at: place, length: fc.nat(64) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('double' as const), at: place, length: fc.nat(64) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('end' as const), at: place }) },
  );
  return fc.array(change, { minLength: 1, maxLength: 6 }).map((changes) => {
    let result = Uint8Array.from(bytes);
    for (const one of changes) {
      const at = Math.min(one.at, result.length);
      if (one.kind === 'set') result[at] = one.byte;
      else if (one.kind === 'end') result = result.slice(0, at);
      else {
        const from = one.kind === 'cut' ? at + one.length : Math.max(0, at - one.length);
        result = Uint8Array.from(Buffer.concat([result.subarray(0, at), result.subarray(from)]));
      }
    }
    return result;
  });
}

/** What people and programs send where something else is due. */
const nonsense: fc.Arbitrary<unknown> = fc.oneof(
  fc.anything({ withBigInt: false, withDate: false, withTypedArray: true, withNullPrototype: true, maxDepth: 2 }),
  fc.constantFrom<unknown>(
    null,
    undefined,
    NaN,
    Infinity,
    -1,
    0,
    1.5,
    2 ** 53,
    -0,
    '',
    '\0',
    '../../etc/passwd',
    '..\\..\\windows',
    '/',
    '%2e%2e%2f',
    'CON',
    '__proto__',
    'constructor',
    'x'.repeat(100_000),
    '💥'.repeat(500),
    "'; DROP TABLE items; --",
    '" OR 1=1',
    '*',
    [],
    {},
    Array.from({ length: 10_000 }, () => 'aaaaaaaa'),
    JSON.parse('{"__proto__": {"polluted": true}}'),
  ),
);

/** A value with one of its parts, at any depth, replaced by nonsense, taken out, or joined by something unknown. */
export function mutated(value: unknown): fc.Arbitrary<unknown> {
  const here = fc.oneof(nonsense, nonsense, fc.constant(undefined));
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return here;
  const keys = Object.keys(value);
  const inside = keys.map((key) =>
    mutated((value as Record<string, unknown>)[key]).map((part) =>
      Array.isArray(value) ? value.with(Number(key), part) : { ...value, [key]: part },
    ),
  );
  const without = keys.map((key) => fc.constant(Object.fromEntries(Object.entries(value).filter(([other]) => other !== key))));
  const more = fc.tuple(fc.string(), nonsense).map(([key, part]) => ({ ...value, [key]: part }));
  return fc.oneof(here, more, ...inside, ...without);
}
