/** How a program is called, its minimum version, and how to get it. */
export interface ProgramSpec {
  /** Purpose, to end the sentence "… is needed to". */
  readonly purpose: string;
  /** Ways to call it, best first: the program's file name, then its first arguments. */
  readonly calls: readonly (readonly [program: string, ...args: string[]])[];
  /** Arguments that print its version. */
  readonly probe: readonly string[];
  /** Variables for the probe, so that it asks no server. */
  readonly probeEnv?: Readonly<Record<string, string>>;
  /** It is asked in its own folder: in that of a repository, a file may name another program, which it would run. */
  readonly probeBeside?: true;
  /** The version is its first group. */
  readonly pattern: RegExp;
  /** The oldest version that is supported. */
  readonly minimum: string;
  /** Commands and pages to get it, by operating system. */
  readonly install: {
    readonly darwin: readonly string[];
    readonly linux: readonly string[];
    readonly other: readonly string[];
  };
}
