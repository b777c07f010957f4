/**
 * `node bench/decode.mjs [model] [positions]`: what a move of the inspector's depth slider takes, from the call to the file that the window
 * gets: one view at a time of random tokens, at each depth, over the built engine process on the CPU. The second argument is for sounds.
 */
import path from 'node:path';
import { buildIfStale } from '../scripts/lib/build.mjs';
import { root } from '../scripts/lib/project.mjs';
import { bundled, printReport } from './lib.mjs';

const [model = 'fruits', positions = '0'] = process.argv.slice(2);
const models = process.env.RESGEN_MODELS?.split(path.delimiter) ?? [path.join(root, 'resources', 'models')];
buildIfStale();
const { measure } = await bundled('decode.ts');
printReport(await measure({ model, models, positions: Number(positions), engine: path.join(root, 'out', 'main', 'engine.js') }));
