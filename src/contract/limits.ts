/**
 * Every limit of the studio on what comes from outside: sizes, counts, depths, lengths of names, waiting times. Each says why it is there, in a
 * clause that refusals and `docs/limits.md` quote. What is not on this page is not limited by a number.
 */

export interface Limit {
  readonly value: number;
  readonly unit: 'bytes' | 'ms' | 'seconds' | 'count' | 'characters' | 'px' | 'Hz';
  /** What is counted, as the table of the documentation calls it. */
  readonly of: string;
  readonly why: string;
}

export interface LimitGroup {
  readonly title: string;
  readonly limits: Readonly<Record<string, Limit>>;
}

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const GIB = 2 ** 30;

type Row = [value: number, of: string, why: string];
const of =
  (unit: Limit['unit']) =>
  (...[value, what, why]: Row): Limit => ({ value, unit, of: what, why });
const bytes = of('bytes');
const ms = of('ms');
const count = of('count');
const characters = of('characters');
const px = of('px');
const seconds = of('seconds');

export const LIMITS = {
  model: {
    title: 'A model package',
    limits: {
      manifestBytes: bytes(MIB, '`model.json`', 'it holds names and settings, no data'),
      fileBytes: bytes(GIB, 'a file of the package', 'a native allocation near 2 GiB ends an Electron process'),
      positions: count(4096, 'positions L', 'a grid of 64 by 64, or minutes of sound'),
      depths: count(128, 'depths D', 'the deepest tokenizer of the paper has 72'),
      codes: count(65_536, 'codes a depth V', 'codes are written down in 16 bits'),
      width: count(4096, 'code width H', 'the widest of the paper is 512'),
      components: count(65_536, 'mixture components K', 'the paper uses 1,024'),
      classes: count(10_000, 'classes', 'the manifest and the picker hold them all'),
      phones: count(256, 'phones of a model that speaks', 'those of English, with stress and marks, are seventy'),
      className: characters(80, 'the name of a class', 'it has to fit a tile and a file name'),
      pictureSize: px(2048, 'a side of a picture', 'one such picture takes 12 MiB while it is worked on'),
      sampleRate: of('Hz')(192_000, 'samples a second', 'no recording for people has more'),
      id: characters(64, 'the id, of `a-z`, `0-9` and dashes', 'it names folders and addresses, on every system'),
      fileName: characters(
        128,
        'a file name, of letters, digits, dots, dashes and underscores',
        'a plain name can not lead out of its folder',
      ),
    },
  },
  graph: {
    title: 'An ONNX graph',
    limits: {
      nodes: count(50_000, 'nodes, those of subgraphs with them', 'the largest graph that ships has 1,318'),
      initializers: count(20_000, 'stored tensors, constants with them', 'the largest graph that ships has 193'),
      values: count(100_000, 'described values', 'every node describes what it gives, and hardly more'),
      valuesOfNode: count(1024, 'inputs and outputs of a node', 'a node that joins or splits has one a part'),
      attributesOfNode: count(64, 'attributes of a node', 'operators have a handful'),
      subgraphs: count(4, 'graphs inside each other', 'a branch inside a branch is rare, and deep nesting overflows the stack'),
      rank: count(8, 'axes of a tensor', 'pictures in a batch have four, attention over them five'),
      name: bytes(1024, 'a name', 'exporters build names out of the whole path of a module'),
      oldestOpset: count(13, 'oldest set of operators', 'before it, operators of the same name worked otherwise'),
      newestOpset: count(23, 'newest set of operators', 'later ones came after this reader was written'),
      oldestIr: count(7, 'oldest file format', 'it came before that set of operators'),
      newestIr: count(11, 'newest file format', 'later ones came after this reader was written'),
      constantElements: count(
        2 ** 28,
        'numbers of a tensor made from a constant shape',
        'a few bytes of a file must not become gigabytes of memory',
      ),
      // Loading and every single run, over which sampling takes many.
      runMs: ms(600_000, 'one run', 'nobody waits longer for a single step, and a graph may be made so as never to end'),
    },
  },
  tensors: {
    title: 'A safetensors file',
    limits: {
      headerBytes: bytes(MIB, 'the header', 'the own ones have some hundred bytes a tensor, and JSON of this size is read in milliseconds'),
      tensors: count(1024, 'tensors', 'a golden file has about two dozen'),
      rank: count(8, 'axes of a tensor', 'pictures in a batch have four'),
      fileBytes: bytes(GIB, 'the file', 'it is a file of a package, or smaller'),
    },
  },
  files: {
    title: 'Files that a person gives',
    limits: {
      uploadBytes: bytes(64 * MIB, 'a picture, sound or token file', 'it is in memory as it came, and once more decoded'),
      fileName: characters(255, 'its name', 'no file system has longer ones'),
      textBytes: bytes(MIB, 'a text inside a PNG', 'a recipe is a kilobyte'),
      leastSoundMs: ms(50, 'the shortest sound to encode', 'an encoder looks at more of it at once, and nobody hears less'),
      sheetSide: px(6144, 'a side of a contact sheet', 'a picture of that size takes 108 MiB while it is written'),
    },
  },
  jobs: {
    title: 'Jobs',
    limits: {
      countPerClass: count(1000, 'pictures of a class', 'a job is one undo and one line of the queue'),
      itemsPerJob: count(1000, 'pictures of a job', 'a job is one undo and one line of the queue'),
      classesPerJob: count(1000, 'classes of a job', 'each makes one picture at least'),
      batch: count(64, 'pictures sampled together', 'memory grows with each, and speed hardly beyond it'),
    },
  },
  library: {
    title: 'The library',
    limits: {
      page: count(500, 'items of a page', 'the next page comes when it is scrolled to'),
      perCall: count(5000, 'items of one action', 'the studio answers nobody else while it runs'),
      search: characters(200, 'a search', 'nobody types more'),
      tagLength: characters(40, 'a tag', 'it is a word or two'),
      tagsPerItem: count(20, 'tags of an item', 'more can not be told apart'),
      tagsPerCall: count(20, 'tags of one action', 'no item has more'),
    },
  },
  voices: {
    title: 'Voices',
    limits: {
      leastSeconds: seconds(3, 'the shortest clip of a voice', 'less holds too few of the sounds that tell a voice'),
      mostSeconds: seconds(30, 'the longest', 'more makes each sentence slower to say, and the voice hardly better'),
      fileSeconds: seconds(180, 'a sound file to trim a clip from', 'it is decoded whole, and shown whole to be trimmed'),
      name: characters(60, 'the name of a voice', 'it has to fit a list and a file name'),
      inOneItem: count(16, 'voices in one sound', 'each blend adds one, and of so many none can be heard'),
      consent: characters(500, 'the consent', 'it is a sentence or two'),
    },
  },
  speech: {
    title: 'Speech',
    limits: {
      text: characters(50_000, 'a text to say', 'it is an hour of speech, and the queue takes one text after the other'),
      sentences: count(2000, 'sentences of a text', 'each is an item of the library'),
      phones: count(1024, 'phones of a sentence', 'it takes two minutes to say as many'),
      pauseSeconds: seconds(10, 'a pause', 'a longer silence is made in an editor of sounds'),
    },
  },
  dictionary: {
    title: 'The dictionary',
    limits: {
      entries: count(10_000, 'words', 'nobody has found as many said wrong, and all are shown'),
      word: characters(60, 'a word', 'the longest in use have half as many'),
      said: characters(200, 'how it is said', 'a long word has twenty phones'),
    },
  },
  inspector: {
    title: 'The inspector',
    limits: {
      editTokens: count(65_536, 'tokens of an edit', '4,096 positions of 16 depths have as many'),
      views: count(256, 'views of one question', 'they are decoded in one batch'),
      looks: count(64, 'codes looked at together', 'each is decoded for a look at it'),
      heardSteps: count(12, 'steps of an unmasking in one WAV', 'more last longer than anybody listens'),
      nearest: count(64, 'nearest codes', 'what is farther away is not near'),
      found: count(200, 'items found for a code, of a page', 'the next page comes when it is asked for'),
      comparedItems: count(5000, 'items counted together', 'their tokens are read one by one'),
    },
  },
  backup: {
    title: 'A backup',
    limits: {
      fileBytes: bytes(GIB, 'a file in it', 'an item is a picture or a sound and its tokens'),
      databaseBytes: bytes(16 * GIB, 'the database in it', 'one entry must not fill the disk'),
      entries: count(4_000_000, 'files in it', 'four files for each of a million items'),
    },
  },
  remote: {
    title: 'Inference servers',
    limits: {
      replicas: count(32, 'servers', 'each is asked for its health'),
      textBytes: bytes(MIB, 'an answer that holds no tensor', 'metadata are short'),
      numberBytes: bytes(32, 'a number in JSON, with its comma', 'a double takes at most 24 characters'),
      messageBytes: bytes(
        256 * MIB,
        'an answer over gRPC',
        'the limit belongs to the connection: 64 pictures of 1024 pixels a side, and some',
      ),
      inferMs: ms(60_000, 'one run on a server', 'a server that is slower does not help'),
      askMs: ms(10_000, 'a question to a server', 'metadata are at hand'),
      givingUpMs: ms(60_000, 'going from server to server', 'a job outlives a restart of a server'),
      givingUpAtLoadMs: ms(3000, 'the same while a model is loaded', 'somebody waits'),
      firstRestMs: ms(250, 'the first rest of a server that failed', 'a connection that was dropped is made again at once'),
      longestRestMs: ms(10_000, 'the longest rest, as each is twice the last', 'a server that is back is soon used again'),
    },
  },
  reports: {
    title: 'Crash reports',
    limits: {
      kept: count(20, 'reports kept', 'the oldest give way, so that an error that comes again and again fills no disk'),
      logBytes: bytes(512 * KIB, 'the log', 'it is shortened to its last lines, which are what a report needs'),
      logLines: count(200, 'lines of the log in a report', 'somebody is to read it before it is sent'),
      pageError: characters(8192, "a page error's words and its trace", 'a trace has some dozens of lines'),
    },
  },
  server: {
    title: 'The server for browsers and programs',
    limits: {
      bodyBytes: bytes(MIB, 'a request without a file', 'the largest one lists five thousand items'),
      nameBytes: bytes(64 * KIB, 'what comes with a file in a request', 'it is a name and a model'),
      requestMs: ms(
        300_000,
        'a whole request to arrive',
        'an upload over a slow network takes minutes, a connection that is only held open takes for ever',
      ),
      sessions: count(100, 'signed-in browsers', 'the oldest gives way, and nobody has as many'),
      picturesPerCall: count(10, 'pictures of one call of the OpenAI API', 'it is the limit of that API'),
      failedAddresses: count(10_000, 'addresses remembered for wrong tokens', 'the oldest gives way, so that guessing fills no memory'),
      progressBacklogBytes: bytes(
        MIB,
        'events waiting for a slow browser before progress is left out',
        'progress is worth nothing once it is late',
      ),
      backlogBytes: bytes(64 * MIB, 'events waiting before a browser is cut off', 'it connects again and reads everything anew'),
    },
  },
} as const satisfies Readonly<Record<string, LimitGroup>>;

/** The bare numbers of a group, for code that compares. */
export function numbers<L extends LimitGroup['limits']>({ limits }: { limits: L }): { readonly [K in keyof L]: number } {
  return Object.fromEntries(Object.entries(limits).map(([name, { value }]) => [name, value])) as { [K in keyof L]: number };
}

/** A limit's number for people: “64 MiB”, “2 minutes”, “4,096”. */
export function amount({ value, unit }: Limit): string {
  const number = value.toLocaleString('en');
  switch (unit) {
    case 'bytes':
      return formatBytes(value);
    case 'ms':
      return value % 60_000 === 0 ? plural(value / 60_000, 'minute') : value % 1000 === 0 ? plural(value / 1000, 'second') : `${number} ms`;
    case 'seconds':
      return value % 60 === 0 ? plural(value / 60, 'minute') : plural(value, 'second');
    case 'characters':
      return `${number} characters`;
    case 'count':
      return number;
    case 'px':
    case 'Hz':
      return `${number} ${unit}`;
  }
}

/** The end of a refusal: “the limit is 50,000 (the largest graph that ships has 1,318)”. */
export function limitClause(limit: Limit): string {
  return `the limit is ${amount(limit)} (${limit.why})`;
}

export function formatBytes(value: number): string {
  const [size, name] = value >= GIB ? [GIB, 'GiB'] : value >= MIB ? [MIB, 'MiB'] : value >= KIB ? [KIB, 'KiB'] : [1, 'bytes'];
  return `${Number((value / size).toFixed(1)).toLocaleString('en')} ${name}`;
}

function plural(value: number, unit: string): string {
  return `${value} ${unit}${value === 1 ? '' : 's'}`;
}

/** `docs/limits.md`. A test compares it with this. */
export function limitsDocument(): string {
  const groups = Object.values(LIMITS).map(
    ({ title, limits }) =>
      `## ${title}\n\n| what | limit | why |\n|---|---|---|\n${Object.values(limits)
        .map((limit: Limit) => `| ${limit.of} | ${amount(limit)} | ${limit.why} |`)
        .join('\n')}\n`,
  );
  return `# Limits\n\nWhat comes from outside is checked against these before anything of that size is made. Each refusal says the limit and why. Written from\n\`src/contract/limits.ts\` by \`npx vitest run test/unit/contract --update\`.\n\n${groups.join('\n')}`;
}
