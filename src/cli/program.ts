import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { version } from '../../package.json';
import { type SetCode, parsePositions, parseSetCode } from './edit-options.js';
import { StudioError } from '../contract/index.js';
import type { Host } from './host.js';
import { exitCodes, fail } from './output.js';

const EXAMPLES = `
Examples:
  resgen image --class Banana --count 4 --seed 42 --out pictures
  resgen image --class Banana "Apple Red" --preset best --set guidanceTo=2 --json
  resgen encode photo.jpg --model fruits --out photo.safetensors
  resgen decode photo.safetensors --depth 4 --out coarse.png
  resgen speak --voice Ada --text "Hello there." --out hello.wav
  resgen voices add ada.flac --name Ada --consent "I, Ada, agree that my voice is used here"
  resgen library backup library.tar
  resgen tokens diff photo.safetensors other.safetensors
  resgen edit photo.safetensors --resample-below 4 --class Banana --seed 7 --out new-details.png
  resgen serve --open

Exit codes: 0 done, 1 failed, 2 wrong use, 130 interrupted. Results go to stdout, progress and problems to stderr.
The data folder is --data, else RESGEN_DATA, else the system's place for application data.`;

/** What the help of a command shows besides its options. */
const EXAMPLES_OF: Readonly<Record<string, readonly string[]>> = {
  image: [
    'image --class Banana --count 4 --seed 42 --out pictures',
    'image --class Banana "Apple Red 1" --preset best --set guidanceTo=2 --set topP=0.8',
    'image --class Kiwi --count 100 --batch 8 --tokens --json > made.jsonl',
  ],
  speak: [
    'speak --voice Ada --text "Hello there. How are you?" --seed 7 --out hello.wav',
    'speak --voice Ada --text "Hello there." --tokens --out hello.wav',
    'speak --voice ada.flac --consent "I, Ada, agree that my voice is used here" --file letter.txt --speed 1.2 --out letter.wav',
  ],
  decode: [
    'decode photo.safetensors --out photo.png',
    'decode photo.safetensors --depth 4 --out coarse.png',
    'decode clip.safetensors --depth 2 --out clip.wav',
  ],
  encode: ['encode photo.jpg --out photo.safetensors', 'encode clip.wav --model encodec-24khz --out clip.safetensors'],
  tokens: [
    'tokens show photo.safetensors',
    'tokens diff photo.safetensors other.safetensors',
    'tokens export photo.safetensors --out grid.csv',
  ],
  edit: [
    'edit photo.safetensors --resample-below 4 --seed 7 --out new-details.png',
    'edit photo.safetensors --inpaint 0,3,8-11 --class Banana --out mended.png',
    'edit photo.safetensors --swap other.safetensors --at 8 --out both.safetensors',
    'edit hello.safetensors --inpaint 40-70 --seed 3 --out hello.wav',
  ],
  voices: [
    'voices add ada.flac --name Ada --consent "I, Ada Byron, agree that my voice is used in this studio"',
    'voices add talk.mp3 --from 12.5 --to 24 --name Ada --consent "Ada told me on the phone that I may use her voice"',
    'voices list --json',
    'voices export Ada --out ada.zip',
    'voices remove Ada --yes',
  ],
  dictionary: ['dictionary set resgen "R EH1 Z JH EH2 N"', 'dictionary set nguyen win', 'dictionary list'],
  models: ['models', 'models verify fruits', 'models card fruits'],
  'export-repository': ['export-repository repository --model fruits --max-batch 64'],
  doctor: ['doctor', 'doctor --json'],
  library: [
    'library list --voice Ada --search "best hello"',
    'library backup library.tar',
    'library restore library.tar',
    'library move /media/disk/resgen',
  ],
  serve: ['serve --open', 'serve --port 8080 --api', 'serve --host 0.0.0.0 --allow-remote --tls-cert cert.pem --tls-key key.pem'],
};

/** @returns the exit code */
export async function main(argv: readonly string[], builtFolder: string): Promise<number> {
  let exitCode: number = exitCodes.done;
  const program = createProgram(builtFolder, (code) => (exitCode = code));
  const failed = async (error: unknown): Promise<number> => {
    await report({ builtFolder, data: program.opts<{ data?: string }>().data }, error);
    return fail(error);
  };
  // What nobody awaited, in a studio that may be serving for days.
  const stop = (error: unknown): void => void failed(error).then((code) => process.exit(code));
  process.once('uncaughtException', stop).once('unhandledRejection', stop);
  try {
    await program.parseAsync(argv);
    return exitCode;
  } catch (error) {
    // Commander has said already what was wrong. Help and version end by the same way, with code 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    return failed(error);
  }
}

/** Errors with a code were foreseen, or came out of a studio that has written its report already. */
async function report(host: Host, error: unknown): Promise<void> {
  // Whoever read the output has stopped reading: `resgen … | head`.
  const closedPipe = error instanceof Error && 'code' in error && error.code === 'EPIPE';
  if (error instanceof StudioError || closedPipe) return;
  try {
    // Loaded only now: the studio takes longer to load than to print the help.
    const { openReports } = await import('./host.js');
    openReports(host, 'cli').write({ title: 'The command ended with an error.', error });
  } catch {
    // There may be no data folder to write it to; the error itself is still to be said.
  }
}

function createProgram(builtFolder: string, done: (exitCode: number) => void): Command {
  const program = new Command('resgen')
    .description('Makes pictures from residual tokens, as ResGen Studio does, from a shell.')
    .version(version)
    .option('--data <folder>', 'use this data folder')
    .addHelpText('after', EXAMPLES)
    .configureHelp({ showGlobalOptions: true })
    .exitOverride();
  const host = (): Host => ({ builtFolder, data: program.opts<{ data?: string }>().data });
  /** A command's action. Commands are loaded when they run: the studio behind them takes longer to load than to print the help. */
  const run =
    <A extends unknown[]>(load: () => Promise<(host: Host, ...args: A) => Promise<number>>) =>
    async (...args: [...A, Command]): Promise<void> => {
      const command = await load();
      done(await command(host(), ...(args.slice(0, -1) as A)));
    };
  const json = new Option('--json', 'print one line of JSON a result').default(false);
  const model = new Option('--model <id>', 'model to use').default('fruits');
  const overwrite = new Option('--overwrite', 'write over files that are there').default(false);
  const withRecipe = (): Option => new Option('--recipe', "put the recipe into what is written (default: as the studio's settings say)");
  const withoutRecipe = (): Option => new Option('--no-recipe', 'leave the recipe out of what is written');

  program
    .command('image')
    .description('make pictures of classes as DIR/<class>/<seed>.png')
    .addOption(model)
    .requiredOption('--class <name...>', 'classes to make pictures of')
    .option('--count <n>', 'pictures of each class', wholeNumber, 1)
    .option('--seed <n>', 'seed of the first picture, the next one has the next (default: random)', wholeNumber)
    .option('--steps <n>', 'sampling steps', wholeNumber)
    .addOption(new Option('--preset <name>', "settings to start from (default: the model's)").choices(['fast', 'balanced', 'best']))
    .option('--set <knob=value>', 'change one setting of the sampler; may be given again', append, [])
    .option('--batch <n>', 'pictures sampled together', wholeNumber, 4)
    .option('--out <folder>', 'where the pictures go', '.')
    .addOption(overwrite)
    .option('--tokens', 'also write the tokens, as <seed>.safetensors', false)
    .addOption(withRecipe().conflicts('keep'))
    .addOption(withoutRecipe().conflicts('keep'))
    .option('--keep', 'also keep the pictures in the library of the studio', false)
    .addOption(json)
    .action(run(async () => (await import('./image.js')).image));

  program
    .command('speak')
    .description('say a text in a voice, as a WAV')
    .addOption(new Option('--model <id>', 'model that speaks').default('voice-en'))
    .requiredOption(
      '--voice <name or clip>',
      'a voice of the studio, which must be closed, or the clip (WAV, FLAC, MP3, Ogg) of somebody who agrees',
    )
    .option('--consent <sentence>', 'with a clip: what the person who speaks said about its use')
    .option('--text <text>', 'what to say')
    .option('--file <file.txt>', 'say what is in this file')
    .option('--seed <n>', 'seed of the first sentence, the next one has the next (default: random)', wholeNumber)
    .option('--steps <n>', 'sampling steps', wholeNumber)
    .addOption(new Option('--preset <name>', "settings to start from (default: the model's)").choices(['fast', 'balanced', 'best']))
    .option('--set <knob=value>', 'change one setting of the sampler; may be given again', append, [])
    .option('--speed <factor>', '2 is twice as fast, 0.5 half', number, 1)
    .requiredOption('--out <file>', 'sound to write (.wav, .flac, .mp3)')
    .option('--tokens', 'also write the tokens of each sentence beside it, as <out>.safetensors, or <out>-1.safetensors and so on', false)
    .option('--no-recipe', "leave the recipe out of what is written (default: as the studio's settings say)")
    .addOption(overwrite)
    .addOption(json)
    .action(run(async () => (await import('./speak.js')).speak));

  program
    .command('decode <file>')
    .description('turn tokens (.safetensors, or a saved picture beside its own) into a picture or a sound')
    .option('--depth <d>', 'how many depths of each position to use (default: all)', wholeNumber)
    .requiredOption('--out <file>', 'picture (.png) or sound (.wav) to write')
    .addOption(withRecipe())
    .addOption(withoutRecipe())
    .addOption(overwrite)
    .action(run(async () => (await import('./tokens.js')).decode));

  program
    .command('encode <file>')
    .description('turn a picture, or with a model of sounds a clip (WAV, FLAC, MP3, Ogg), into tokens')
    .addOption(model)
    .requiredOption('--out <file.safetensors>', 'token file to write')
    .addOption(withRecipe())
    .addOption(withoutRecipe())
    .addOption(overwrite)
    .action(run(async () => (await import('./tokens.js')).encode));

  const inspected = new Option('--model <id>', 'model that encodes pictures or sounds, and of token files that name none').default(
    'fruits',
  );
  const tokens = program
    .command('tokens')
    .description('look into tokens: of .safetensors or .npy files, or of pictures and sounds, which are encoded');
  tokens
    .command('show <file...>')
    .description('print the codes, a line a position')
    .addOption(inspected)
    .addOption(json)
    .action(run(async () => (await import('./inspect.js')).showTokens));
  tokens
    .command('stats <file...>')
    .description("print how the files together use each depth's codebook")
    .addOption(inspected)
    .addOption(json)
    .action(run(async () => (await import('./inspect.js')).tokenStats));
  tokens
    .command('diff <file> <other>')
    .description('print where two files have other codes, by depth')
    .addOption(inspected)
    .addOption(json)
    .action(run(async () => (await import('./inspect.js')).diffTokens));
  tokens
    .command('export <file>')
    .description(
      'write the tokens (.safetensors, .npy, .csv), all depths side by side (.png, .wav) or the unmasking (.webp, .gif, or .wav with --steps)',
    )
    .addOption(inspected)
    .option('--steps', 'of a sound: some steps of its unmasking one after another, in place of its depths', false)
    .requiredOption('--out <file>', 'what to write; its ending says what it is')
    .addOption(withRecipe())
    .addOption(withoutRecipe())
    .addOption(overwrite)
    .addOption(json)
    .action(run(async () => (await import('./export-tokens.js')).exportTokens));

  program
    .command('edit <file>')
    .description(
      "change tokens in one way and write what comes of it; positions count from 0, depths from 1. Speech needs its voice in the studio's library, which must be closed",
    )
    .addOption(inspected)
    .option('--resample-below <depth>', 'keep this many depths and generate the deeper ones anew', wholeNumber)
    .option('--inpaint <positions>', 'generate these positions anew, like 0,3,8-11', positions)
    .option('--least-confident <percent>', 'generate this share of the tokens anew, the least confident', number)
    .option('--swap <file>', 'take the depths after the first --at of them from another file')
    .option('--at <depth>', 'with --swap: how many depths stay', wholeNumber)
    .option('--blend <file>', "quantise a mean of this file's embeddings and another's")
    .option('--alpha <share>', 'with --blend: share of the other file, 0 to 1', number)
    .option('--set <pos,depth=code>', 'put a code in its place; may be given again', setCode, [])
    .option('--zero <depth>', 'give a depth the code nearest to nothing everywhere', wholeNumber)
    .option('--seed <n>', 'seed of what is generated', wholeNumber)
    .option('--class <name>', "class of what is generated (default: the file's own)")
    .requiredOption('--out <file>', 'what to write: tokens (.safetensors, .npy, .csv), the picture (.png) or the sound (.wav, .flac, .mp3)')
    .addOption(withRecipe())
    .addOption(withoutRecipe())
    .addOption(overwrite)
    .addOption(json)
    .action(run(async () => (await import('./edit.js')).edit));

  const voices = program.command('voices').description('keep the voices of people who agree to it; the studio must be closed');
  voices
    .command('add <clip>')
    .description('keep a clip (WAV, FLAC, MP3, Ogg) of 3 to 30 seconds, or a part of it, as a voice')
    .requiredOption('--name <name>', 'name of the voice')
    .option('--consent <sentence>', 'what the person who speaks said about its use; kept with the date')
    .option('--from <seconds>', 'where the part to keep begins', number)
    .option('--to <seconds>', 'where it ends', number)
    .addOption(json)
    .action(run(async () => (await import('./voices.js')).addVoice));
  voices
    .command('list', { isDefault: true })
    .description('list the voices, newest first')
    .addOption(json)
    .action(run(async () => (await import('./voices.js')).listVoices));
  voices
    .command('rename <voice> <name>')
    .description('give a voice another name')
    .addOption(json)
    .action(run(async () => (await import('./voices.js')).renameVoice));
  voices
    .command('export <voice>')
    .description('write the clip (WAV) and its consent (JSON) into a zip')
    .requiredOption('--out <file.zip>', 'zip to write')
    .addOption(overwrite)
    .addOption(json)
    .action(run(async () => (await import('./voices.js')).exportVoice));
  voices
    .command('remove <voice>')
    .description('delete a voice and everything that was made with it; both stay in the trash for 30 days')
    .option('--yes', 'do not ask', false)
    .addOption(json)
    .action(run(async () => (await import('./voices.js')).removeVoice));

  const dictionary = program.command('dictionary').description('say words in another way; the studio must be closed');
  dictionary
    .command('list', { isDefault: true })
    .description('list the words and how they are said')
    .addOption(json)
    .action(run(async () => (await import('./dictionary.js')).listWords));
  dictionary
    .command('set <word> <said>')
    .description('say a word so: phones as CMUdict has them, or the word respelled in small letters')
    .addOption(json)
    .action(run(async () => (await import('./dictionary.js')).setWord));
  dictionary
    .command('remove <word>')
    .description('say a word as before')
    .addOption(json)
    .action(run(async () => (await import('./dictionary.js')).removeWord));

  const models = program.command('models').description('list, verify or describe the models');
  models
    .command('list', { isDefault: true })
    .description('list every model, usable or not')
    .addOption(json)
    .action(run(async () => (await import('./models.js')).listModels));
  models
    .command('verify [id...]')
    .description('read every file again and check it')
    .addOption(json)
    .action(run(async () => (await import('./models.js')).verifyModels));
  models
    .command('card <id>')
    .description('print the card of a model')
    .action(run(async () => (await import('./models.js')).modelCard));

  program
    .command('export-repository <folder>')
    .description('write a model as a repository for Triton Inference Server (docs/scale.md)')
    .addOption(model)
    .option('--max-batch <n>', 'largest batch of one run', wholeNumber, 64)
    .option('--instances <n>', 'copies of each graph on a device (default: one)', wholeNumber)
    .addOption(overwrite)
    .addOption(json)
    .action(run(async () => (await import('./repository.js')).exportRepository));

  program
    .command('doctor')
    .description('say what is installed, what works and how fast')
    .addOption(json)
    .action(run(async () => (await import('./doctor.js')).doctor));

  program
    .command('licences [name]')
    .description('list everything that comes with the studio, or print the licence of one part')
    .addOption(json)
    .action(run(async () => (await import('./licences.js')).licences));

  const library = program.command('library').description('list, back up, restore or move the library of the studio, which must be closed');
  library
    .command('list')
    .description('list items, newest first')
    .option('--search <words>', 'each begins a word of the item: class, text, seed, model, preset, voice, tag', '')
    .option('--voice <name>', 'only what is said in this voice')
    .option('--model <id>', 'only what this model made')
    .option('--tag <tag>', 'only what has this tag')
    .option('--favourites', 'only favourites', false)
    .option('--limit <n>', 'at most as many', wholeNumber, 50)
    .addOption(json)
    .action(run(async () => (await import('./library.js')).list));
  library
    .command('backup <file.tar>')
    .description('write the database and every item into one file')
    .addOption(overwrite)
    .action(run(async () => (await import('./library.js')).backUp));
  library
    .command('restore <file.tar>')
    .description('put a backup in place of the library, which is kept beside it')
    .action(run(async () => (await import('./library.js')).restore));
  library
    .command('move <folder>')
    .description('move the data folder; the studio finds it there by itself, unless --data or RESGEN_DATA named it')
    .action(run(async () => (await import('./library.js')).move));

  program
    .command('serve')
    .description('serve the studio to a browser until Ctrl-C')
    .option('--port <n>', 'port to listen on, 0 for any (default: 4747 if it is free)', wholeNumber)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--open', 'open the browser', false)
    .option('--allow-remote', 'allow an address that other machines can reach', false)
    .option('--tls-cert <file.pem>', 'serve over HTTPS with this certificate')
    .option('--tls-key <file.pem>', 'and this key')
    .option('--api', 'let programs in, also those made for the OpenAI API, by a key that is printed (or RESGEN_API_KEY)', false)
    .action(run(async () => (await import('./serve.js')).serve));

  for (const command of program.commands) {
    const lines = EXAMPLES_OF[command.name()]?.map((line) => `\n  resgen ${line}`);
    if (lines) command.addHelpText('after', `\nExamples:${lines.join('')}`);
  }
  return program;
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number.');
  return value;
}

function positions(text: string): number[] {
  const parsed = parsePositions(text);
  if (!parsed) throw new InvalidArgumentError('Write positions like 0,3,8-11.');
  return parsed;
}

function setCode(text: string, before: SetCode[]): SetCode[] {
  const parsed = parseSetCode(text);
  if (!parsed) throw new InvalidArgumentError('Write it like 12,3=841: position, depth and code.');
  return [...before, parsed];
}

const append = (value: string, before: string[]): string[] => [...before, value];
