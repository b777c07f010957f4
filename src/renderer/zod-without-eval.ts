/**
 * The page's content policy forbids `eval`, and zod tries it once to see whether it may compile its parsers: a violation in the
 * console for nothing. zod reads this object when its first schema is made, so this module has to be the first import.
 */
Object.assign(globalThis, { __zod_globalConfig: { jitless: true } });
