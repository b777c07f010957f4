import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * What the end-to-end tests need from a Linux system, by what can be looked for on any distribution, with Debian's name for it.
 * @type {{ debian: string, command?: string, library?: string, font?: string }[]}
 */
const NEEDED = [
  { debian: 'xvfb', command: 'xvfb-run' },
  { debian: 'xauth', command: 'xauth' },
  { debian: 'unzip', command: 'unzip' },
  { debian: 'chromium', command: 'chromium' },
  { debian: 'libgtk-3-0', library: 'libgtk-3.so.0' },
  { debian: 'libnss3', library: 'libnss3.so' },
  { debian: 'libasound2', library: 'libasound.so.2' },
  { debian: 'libgbm1', library: 'libgbm.so.1' },
  { debian: 'libvulkan1', library: 'libvulkan.so.1' },
  { debian: 'fontconfig', command: 'fc-list' },
  { debian: 'fonts-noto-core', font: 'Noto Sans' },
];

const APT_TRIES = 20;
const APT_WAIT_MS = 15_000;

/**
 * Installs what is missing on Debian as root.
 * @throws {Error} with a sentence that names what is missing, elsewhere or where apt fails
 */
export async function ensureSystemPackages() {
  if (process.platform !== 'linux') return;
  let missing = missingPackages();
  if (missing.length === 0) return;
  if (isDebian() && process.getuid?.() === 0) {
    console.log(`Installing for the tests: ${missing.join(' ')}`);
    await apt(['update', '-qq']);
    await apt(['install', '-y', '-qq', '--no-install-recommends', ...missing]);
    missing = missingPackages();
  }
  if (missing.length > 0)
    throw new Error(`The tests need these system packages (named as in Debian), which are missing here: ${missing.join(' ')}`);
}

function missingPackages() {
  const libraries = output('ldconfig', ['-p']);
  const fonts = output('fc-list', [':', 'family']);
  return NEEDED.filter(({ command, library, font }) => {
    if (command) return output('which', [command]) === '';
    if (library) return !libraries.includes(`${library} `);
    return !fonts.includes(font ?? '');
  }).map(({ debian }) => debian);
}

/** Another apt may hold the lock, an unattended upgrade for one: wait for it. @param {string[]} args */
async function apt(args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (let tries = 1; ; tries++) {
    const { status, stderr } = spawnSync('apt-get', args, { encoding: 'utf8', env });
    if (status === 0) return;
    if (!/could not get lock|unable to lock|is another process using it/i.test(stderr) || tries === APT_TRIES) {
      throw new Error(`\`apt-get ${args[0]}\` failed: ${stderr.trim().split('\n').at(-1)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, APT_WAIT_MS));
  }
}

function isDebian() {
  try {
    return /^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return false;
  }
}

/** @param {string} command @param {string[]} args */
function output(command, args) {
  const path = `${process.env.PATH}:/usr/sbin:/sbin`;
  return spawnSync(command, args, { encoding: 'utf8', env: { ...process.env, PATH: path } }).stdout ?? '';
}
