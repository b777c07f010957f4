/** What onnxruntime's commonest failures mean to a person. Its own text names C++ functions and build paths. */
const KNOWN: readonly [pattern: RegExp, reason: string][] = [
  [/failed to load shared library/i, 'Its libraries are not installed here; the README says how to add them ("GPU builds").'],
  [/failed to get a webgpu adapter/i, 'This machine offers it no graphics adapter.'],
];

/** Why a provider could not start or run, as a sentence. */
export function providerFailure(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const known = KNOWN.find(([pattern]) => pattern.test(message));
  if (known) return known[1];
  const firstLine = message.split('\n', 1)[0] ?? '';
  return `It failed here: ${firstLine.slice(0, 300).replace(/[.\s]*$/, '')}.`;
}
