/** `npm run build`: builds `out/` if it is stale. */
import { buildIfStale } from './lib/build.mjs';
import { messageOf } from './lib/project.mjs';

try {
  buildIfStale();
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
