/**
 * An engine process for tests: speaks contract/engine.ts over child_process, makes flat pictures at once, and fails on demand.
 * Environment: FAKE_STEP_MS between two steps; FAKE_CRASH_ONCE, a file: dies at the second step unless the file is there, and makes it.
 * Seed 666 kills the process at every try; a decode of depth d paints d, a view the number of its tokens that are summed. Fixed tokens stay.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const stepMs = Number(process.env.FAKE_STEP_MS ?? 1);
const crashOnce = process.env.FAKE_CRASH_ONCE;
const cancelled = new Set();
/** @type {{ tokens: { L: number, D: number, V: number }, size: number }} */
let model = { tokens: { L: 0, D: 0, V: 1 }, size: 0 };

/** @typedef {import('../../../src/contract/index.js').EngineReply} EngineReply */
/** @typedef {import('../../../src/contract/index.js').EngineRequest} EngineRequest */
/** @template {EngineRequest['type']} T @typedef {Extract<EngineRequest, { type: T }>} RequestOf */

/** @param {EngineReply} reply */
const send = (reply) => void process.send?.(reply);
const die = () => void process.kill(process.pid, 'SIGKILL');
/** @param {number} value */
const paint = (value) => new Uint8Array(model.size ** 2 * 3).fill(value);

/** @param {RequestOf<'generate'>} request */
async function generate({ id, items, sampling, previewEveryMs }) {
  const { L, D, V } = model.tokens;
  for (let step = 1; step <= sampling.steps; step++) {
    await delay(stepMs);
    if (cancelled.has(id)) return send({ type: 'error', id, error: { code: 'cancelled', message: 'Stopped.' } });
    if (items.some(({ seed }) => seed === 666)) return die();
    if (crashOnce && step === 2 && !existsSync(crashOnce)) {
      writeFileSync(crashOnce, '');
      return die();
    }
    const left = 1 - step / sampling.steps;
    const k = items.map(() => new Uint8Array(L).fill(Math.round(D * left)));
    const previews = previewEveryMs === null ? [] : items.map(() => paint(100));
    send({ type: 'step', id, step, steps: sampling.steps, k, masked: Math.round(L * D * left), previews });
  }
  const results = items.map(({ seed, classIndex, fixed }) => {
    /** @param {number} n */
    const stays = (n) => fixed !== undefined && n % D < D - (fixed.k[Math.floor(n / D)] ?? 0);
    const made = Int32Array.from({ length: L * D }, (_, n) => (seed + classIndex + n) % V);
    return {
      tokens: made.map((code, n) => (stays(n) ? (fixed?.tokens[n] ?? 0) : code)),
      pixels: paint(seed % 256),
      revealedAt: Uint8Array.from(made, (_, n) => (stays(n) ? 0 : 1 + (n % sampling.steps))),
      confidence: Float32Array.from(made, (_, n) => (stays(n) ? NaN : -n)),
    };
  });
  send({ type: 'generated', id, ms: stepMs * sampling.steps, results });
}

/** @param {RequestOf<'load'>} request */
function load({ id, folder }) {
  const manifest = JSON.parse(readFileSync(path.join(folder, 'model.json'), 'utf8'));
  model = { tokens: manifest.tokens, size: manifest.image?.size ?? 0 };
  const probes = [{ name: /** @type {const} */ ('cpu'), state: /** @type {const} */ ('active'), reason: 'Works.', stepMs: 1, maxError: 0 }];
  send({ type: 'loaded', id, provider: 'cpu', probes, loadMs: 1 });
}

/** @param {RequestOf<'encode'>} request */
function encode({ id, pixels }) {
  const { L, D, V } = model.tokens;
  const mean = pixels.reduce((sum, value) => sum + value, 0) / pixels.length;
  send({ type: 'encoded', id, tokens: new Int32Array(L * D).fill(Math.round(mean) % V), residual: new Float32Array(L * D) });
}

/** @param {RequestOf<'decodeViews'>} request */
function decodeViews({ id, B, depth }) {
  const L = depth.length / B;
  const frames = Array.from({ length: B }, (_, b) => paint(depth.slice(b * L, (b + 1) * L).reduce((sum, d) => sum + d, 0)));
  send({ type: 'decodedViews', id, frames });
}

process.on('message', (message) => {
  const request = /** @type {EngineRequest} */ (message);
  if (request.type === 'load') load(request);
  if (request.type === 'generate') void generate(request);
  if (request.type === 'cancel') cancelled.add(request.id);
  if (request.type === 'decode') send({ type: 'decoded', id: request.id, pixels: paint(request.depth) });
  if (request.type === 'decodeViews') decodeViews(request);
  if (request.type === 'encode') encode(request);
});
process.on('disconnect', () => process.exit(0));
send({ type: 'ready' });
