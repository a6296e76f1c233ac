/** Flags that every command has, by what they take; kept in step with `baseFlags` by a test. */
const GLOBAL_FLAGS: ReadonlyMap<string, 'switch' | 'value'> = new Map([
  ['--json', 'switch'],
  ['--no-input', 'switch'],
  ['--quiet', 'switch'],
  ['-q', 'switch'],
  ['--directory', 'value'],
  ['-C', 'value'],
  ['--config', 'value'],
]);

/** Whether one JSON document is wanted: read before any parsing, so that a misspelt command answers in JSON too. */
export function wantsJson(argv: readonly string[]): boolean {
  return beforeDashes(argv).includes('--json');
}

/** Whether help is asked for, by flag or by the word that people try first. */
export function wantsHelp(argv: readonly string[]): boolean {
  return argv[0] === 'help' || beforeDashes(argv).some(isHelpFlag);
}

/** `--help` or `-h`. */
export function isHelpFlag(word: string): boolean {
  return word === '--help' || word === '-h';
}

/** The words before `--`: only these can be flags. */
function beforeDashes(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf('--');
  return end === -1 ? argv : argv.slice(0, end);
}

/** An argument list split at its command. */
export interface Invocation {
  /** With `:` between topic and command as oclif has it: `gitops:bump`; undefined if no command is named. */
  readonly id: string | undefined;
  /** Global flags that stood before the command. */
  readonly globals: readonly string[];
  /** The words after the command. */
  readonly rest: readonly string[];
}

/**
 * Finds the command in an argument list: the longest run of words that names a command or a topic.
 * Global flags may come before it (`primitive -C api --json list`).
 */
export function findInvocation(argv: readonly string[], ids: ReadonlySet<string>): Invocation {
  const words = argv[0] === 'help' ? argv.slice(1) : argv;
  let start = 0;
  for (let word = words[start]; word !== undefined; word = words[start]) {
    const kind = GLOBAL_FLAGS.get(word);
    if (kind === undefined && !isJoinedGlobal(word)) break;
    start += kind === 'value' ? 2 : 1;
  }
  let id: string | undefined;
  let end = start;
  for (const word of words.slice(start)) {
    const longer = id === undefined ? word : `${id}:${word}`;
    if (!ids.has(longer)) break;
    id = longer;
    end += 1;
  }
  return { id, globals: words.slice(0, start), rest: words.slice(end) };
}

/** `--config=FILE`, `-Cdir`. */
function isJoinedGlobal(word: string): boolean {
  const name = word.slice(0, word.indexOf('='));
  return GLOBAL_FLAGS.get(name) === 'value' || (word.startsWith('-C') && word.length > 2);
}

/** The value of a global flag, by its names; undefined if it is not given. */
export function globalValue(globals: readonly string[], ...names: readonly string[]): string | undefined {
  for (const [i, word] of globals.entries()) {
    for (const name of names) {
      if (word === name) return globals[i + 1];
      if (word.startsWith(`${name}=`)) return word.slice(name.length + 1);
      if (name.length === 2 && word.startsWith(name)) return word.slice(2);
    }
  }
  return undefined;
}
