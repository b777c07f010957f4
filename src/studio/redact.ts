import os from 'node:os';

/**
 * Takes out of an error's text what could be a person's own: their folders, and everything in quotes, where messages put what they are
 * about (a text that can't be parsed, a file that is not there, a tag). Names of the program's own, such as a missing property's, stay.
 */
export function redact(text: string, dataFolder: string): string {
  return (
    text
      .replaceAll(/“[^”]*”/g, '“…”')
      .replaceAll(/"(?:[^"\\\n]|\\.)*"/g, '"…"')
      .replaceAll(/'(?:[^'\\\n]|\\.)*'/g, (quoted) => (PROGRAM_NAME.test(quoted) ? quoted : "'…'"))
      .replaceAll(/`[^`\n]*`/g, (quoted) => (PROGRAM_NAME.test(quoted) ? quoted : '`…`'))
      // Longest first: the data folder is mostly inside of the home folder.
      .replaceAll(dataFolder, 'DATA')
      .replaceAll(encodeURI(os.homedir()), '~')
      .replaceAll(os.homedir(), '~')
      // Other people's homes and removable disks, which name people as well. What is behind a known folder is the program's own.
      .replaceAll(/(\/(?:home|Users|media|mnt|Volumes)\/|[A-Za-z]:\\Users\\)[^\s:)]+/g, (path) =>
        PROGRAM_PATH.test(path) ? path.replace(/^(\/(?:home|Users)\/|[A-Za-z]:\\Users\\)[^/\\]+/, '$1…') : '…',
      )
  );
}

/** An identifier: no text with spaces, no name of a file. */
const PROGRAM_NAME = /^['`][\w$#]{1,64}['`]$/;
const PROGRAM_PATH = /node_modules|app\.asar|[/\\]out[/\\]|\.[cm]?[jt]s$/;
