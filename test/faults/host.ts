import { writeSync } from 'node:fs';
import { StudioError } from '../../src/contract/index.js';
import { createStudio, nodeEngine } from '../../src/studio/index.js';

/**
 * A studio to be killed: `node host.mjs DATA ENGINE`. Says each finished item on stdout, by a write that is done before anything else
 * happens, so that whoever reads it knows what the studio has promised. Ends with code 3 and its sentence where it can't open.
 */
const [dataFolder = '', engine = ''] = process.argv.slice(2);
const say = (line: string): void => void writeSync(1, `${line}\n`);

try {
  const studio = createStudio({ host: 'cli', version: '0.1.0', modelFolders: [], dataFolder, spawnEngine: nodeEngine(engine) });
  studio.subscribe((event) => {
    if (event.name === 'itemAdded') say(`item ${event.payload.id}`);
    if (event.name === 'job' && event.payload.state !== 'running' && event.payload.state !== 'queued') say(`job ${event.payload.state}`);
  });
  say('open');
  process.stdin.on('data', () => void studio.close().then(() => process.exit(0)));
} catch (error) {
  say(StudioError.from(error).message);
  process.exitCode = 3;
}
