import { byKey } from '../../core/order.ts';
import { recordedGenerators } from '../../kinds/generators/built-in.ts';
import { isEjected } from '../../kinds/generators/eject.ts';
import { isWrittenBy } from '../../kinds/generators/platform.ts';
import { installedFolder, isInstalled, isTest, languageByName, unreadSuffix } from '../../languages/all.ts';
import type { VerifyDocument } from './document.ts';
import { type Family, familyOf, inOrder } from './family.ts';
import type { AnyRule, AnyScan } from './rule.ts';
import type { Fact } from './subjects.ts';

/** Result for one file: exactly one of these. */
export type Entry =
  /** Families that judged what is in it, in the order of reports. */
  | { readonly checked: readonly Family[] }
  /** Half a sentence; `unchecked` of the report has it too. */
  | { readonly leftOut: string }
  /** The rule by which it is not this run's to judge. */
  | { readonly notOurs: NotOurs };

/** Rules by which a run does not judge a file. */
export type NotOurs =
  /** It is of a primitive that was not selected. */
  | 'selection'
  /** It is in no primitive and in no image of one, and `--mode repo` was not given. */
  | 'mode'
  /** A link: what it leads to is judged at its own place. */
  | 'link';

/** Where a file is: in the folder of a primitive, elsewhere in the image of a checked one, or in neither. */
export type Place = 'primitive' | 'shipped' | 'elsewhere';

/** Whether a run judges a file at all. */
export type Standing = 'ours' | Exclude<Entry, { readonly checked: unknown }>;

/** Observations of a run, by file. */
export interface Observed {
  /** Every file of the work tree that git does not ignore, and each folder with a repository of its own; each once. */
  readonly files: readonly string[];
  readonly standingOf: (path: string) => Standing;
  /** Families that judged what is in a file. */
  readonly judged: ReadonlyMap<string, ReadonlySet<Family>>;
  /** Why a file was not read, or not wholly. */
  readonly leftOut: ReadonlyMap<string, string>;
  readonly links: ReadonlySet<string>;
  /** Why what no family judged was left out. */
  readonly otherwise: string;
}

/** Results for the files of the work tree: each file has exactly one entry. */
export function accountOf(observed: Observed): ReadonlyMap<string, Entry> {
  const entries = new Map<ReadonlySet<Family>, Entry>();
  const checkedBy = (families: ReadonlySet<Family>) => {
    const entry = entries.get(families) ?? { checked: inOrder(families) };
    entries.set(families, entry);
    return entry;
  };
  return new Map(observed.files.map((path) => [path, entryOf(path, observed, checkedBy)]));
}

function entryOf(
  path: string,
  { standingOf, judged, leftOut, links, otherwise }: Observed,
  checkedBy: (families: ReadonlySet<Family>) => Entry,
): Entry {
  const standing = standingOf(path);
  if (standing !== 'ours') return standing;
  const why = leftOut.get(path);
  if (why !== undefined) return { leftOut: why };
  if (links.has(path)) return { notOurs: 'link' };
  const families = judged.get(path);
  if (families !== undefined && families.size > 0) return checkedBy(families);
  return { leftOut: otherwise };
}

/** How many files each entry stands for, as the report has it. */
export function totalsOf(account: ReadonlyMap<string, Entry>): VerifyDocument['account'] {
  const entries = [...account.values()];
  const count = <T>(keys: readonly T[], show: (key: T) => string) => {
    const groups = Map.groupBy(keys, show);
    return [...groups].sort(byKey).map(([, same]) => ({ key: same[0] as T, files: same.length }));
  };
  return {
    files: entries.length,
    checked: count(
      entries.flatMap((one) => ('checked' in one ? [one.checked] : [])),
      (families) => families.join(),
    ).map(({ key, files }) => ({ families: [...key], files })),
    leftOut: count(
      entries.flatMap((one) => ('leftOut' in one ? [one.leftOut] : [])),
      String,
    ).map(({ key, files }) => ({ why: key, files })),
    notOurs: count(
      entries.flatMap((one) => ('notOurs' in one ? [one.notOurs] : [])),
      String,
    ).map(({ key, files }) => ({ rule: key, files })),
  };
}

/** The families of a scan's rules that judge what it finds at a place. */
function familiesAt(
  rules: readonly AnyRule[],
): (subjects: readonly string[], place: Place) => ReadonlySet<Family> {
  const known = new Map<string, ReadonlySet<Family>>();
  return (subjects, place) => {
    const key = `${place} ${subjects.join()}`;
    const families =
      known.get(key) ??
      new Set(
        rules
          .filter(({ subject, within }) => subjects.includes(subject) && reaches(within, place))
          .map(({ id }) => familyOf(id)),
      );
    known.set(key, families);
    return families;
  };
}

/** Where a subject is; one that is of a primitive as a whole is in it. */
export function placeOf(value: Fact['value']): Place {
  if (!('shippedBy' in value) || value.primitive !== undefined) return 'primitive';
  return value.shippedBy.length > 0 ? 'shipped' : 'elsewhere';
}

/** Whether rules that apply within `within` judge a file at a place. */
export function reaches(within: AnyRule['within'], place: Place): boolean {
  if (within === 'repository') return true;
  return place === 'primitive' || (within === 'image' && place === 'shipped');
}

/** Families that judged each file: of scans, and of other facts about its primitive. */
export function judgedFiles(
  {
    scanned,
    facts,
  }: { readonly scanned: ReadonlyMap<string, readonly AnyScan[]>; readonly facts: readonly Fact[] },
  {
    rules,
    placeOf,
    subjectsOf,
  }: {
    readonly rules: readonly AnyRule[];
    readonly placeOf: (path: string) => Place;
    readonly subjectsOf: (scan: AnyScan) => readonly string[];
  },
): Map<string, ReadonlySet<Family>> {
  const judged = new Map<string, ReadonlySet<Family>>();
  const add = (path: string, families: ReadonlySet<Family>) => {
    const known = judged.get(path);
    if (known === undefined) judged.set(path, families);
    else if (known !== families) judged.set(path, new Set([...known, ...families]));
  };
  const familiesOf = familiesAt(rules);
  const subjects = new Map<readonly AnyScan[], readonly string[]>();
  for (const [path, scans] of scanned) {
    const found = subjects.get(scans) ?? scans.flatMap(subjectsOf);
    subjects.set(scans, found);
    add(path, familiesOf(found, placeOf(path)));
  }
  for (const fact of facts) {
    // Of a large repository, almost all facts are these; their files are those of scans.
    if (fact.subject === 'import' || fact.subject === 'source') continue;
    for (const path of filesOf(fact)) add(path, familiesOf([fact.subject], 'primitive'));
  }
  return judged;
}

/** The files whose content a fact is made from, besides those that scans read. */
function filesOf({ subject, value }: Fact): readonly string[] {
  if (subject === 'dockerfile' || subject === 'model' || subject === 'file') return [value.path];
  if (subject === 'protoChanges') return value.files;
  if (subject === 'composeFile') return [value.path];
  if (subject !== 'suite' && subject !== 'generated') return [];
  const { path, kind, files, manifest } = value.primitive;
  const generators = recordedGenerators(kind?.generators, manifest?.provenance?.generators);
  const writes = generators.map(isWrittenBy);
  const isMeant = (file: string) =>
    subject === 'suite'
      ? languageByName(file) !== undefined && isTest(file)
      : writes.some((isIn) => isIn(file)) && !isEjected(manifest?.eject, file);
  return files.filter(isMeant).map((file) => `${path}/${file}`);
}

/** A file that a builder may read, by its name. */
const DOCKERFILE =
  /(?:^|\/)(?:(?:[Dd]ockerfile|[Cc]ontainerfile)(?:\.(?!dockerignore$)[^/]*)?|[^/]*\.(?:[Dd]ockerfile|[Cc]ontainerfile))$/;

/** Families that have judged each file by its content. */
interface Judging {
  readonly judged: ReadonlyMap<string, ReadonlySet<Family>>;
  readonly families: readonly Family[];
  readonly placeOf: (path: string) => Place;
  /** Whether suites were to be run. */
  readonly tests: boolean;
}

/**
 * What families would have judged of the files that this run judges, by what is in them, and did not. Each is a line
 * under `unchecked`: many files of a folder are one.
 */
export function unjudged(files: readonly string[], judging: Judging): VerifyDocument['unchecked'] {
  const missed = files.flatMap((path) => (judging.judged.has(path) ? missedIn(path, judging) : []));
  return [...Map.groupBy(missed, ({ what }) => what)]
    .map(([what, same]) => {
      const why = same[0]?.why ?? '';
      return { what, why: same.length === 1 ? why : `${why}; ${same.length} files` };
    })
    .sort((a, b) => (a.what < b.what ? -1 : 1));
}

function missedIn(path: string, { judged, families, placeOf, tests }: Judging): VerifyDocument['unchecked'] {
  const line = (family: Family, what: string, why: string) =>
    families.includes(family) && judged.get(path)?.has(family) !== true
      ? [{ what: `${family} of ${what}`, why }]
      : [];
  const isCode = languageByName(path) !== undefined;
  if (isCode && isInstalled(path)) {
    return line('IMP', installedFolder(path), 'what a package manager puts there is not parsed');
  }
  const suffix = unreadSuffix(path);
  if (suffix !== undefined)
    return line('IMP', `code in ${suffix} files`, 'imports are read in Go, Python and TypeScript');
  if (DOCKERFILE.test(path)) return line('SHAPE', path, 'no primitive is built from it');
  if (path.endsWith('.bpmn')) return line('BPMN', path, 'no kind compiles it');
  const place = placeOf(path);
  if (place === 'elsewhere' && isCode && !isTest(path) && families.includes('IMP')) {
    const why = 'imports are checked here only for forbidden packages';
    return [{ what: 'IMP of code in no primitive', why }];
  }
  if (!tests || place === 'primitive' || !isCode || !isTest(path)) return [];
  const what = place === 'shipped' ? 'code that images take in from elsewhere' : 'code in no primitive';
  return line('TEST', what, 'suites are those of kinds');
}
