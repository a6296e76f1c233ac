import { posix } from 'node:path';
import { dockerfileOf } from './dockerfile.ts';
import type { VerifyDocument } from './document.ts';
import { regenerateAll } from './generated.ts';
import { resolveImports } from './imports/resolve.ts';
import { readModels } from './model.ts';
import type { VerifyPorts } from './ports.ts';
import type { AnyRule } from './rule.ts';
import { type EndedScan, scanFiles } from './scan.ts';
import { SCANS } from './scans.ts';
import type { Scope } from './scope.ts';
import type { Fact, SubjectName } from './subjects.ts';
import type { WorkTree } from './work-tree.ts';

/** What facts are read with. */
export type FactPorts = Pick<VerifyPorts, 'tree' | 'scans' | 'threads' | 'regenerate' | 'emit' | 'signal'> & {
  /** Start no program of the repository. */
  readonly knownOnly: boolean;
};

/** Reads what the rules judge, and nothing else: all but the suites, which have to be run for it. */
export async function readFacts(
  { base, selected, files, ownerOf }: Scope,
  rules: readonly AnyRule[],
  { tree, scans: store, threads, regenerate, emit, signal, knownOnly }: FactPorts,
): Promise<{ readonly facts: readonly Fact[]; readonly unchecked: VerifyDocument['unchecked'] }> {
  const wanted = new Set<SubjectName>(rules.map(({ subject }) => subject));
  const isWanted = (subject: SubjectName | undefined) => subject !== undefined && wanted.has(subject);
  const scans = SCANS.filter((one) => isWanted(one.scan.subject) || isWanted(one.for)).map(
    ({ scan }) => scan,
  );
  const { facts: scanned, ended } = await scanFiles(files, scans, { tree, store, threads, ownerOf, signal });
  const facts: Fact[] = [
    ...selected.map((value) => ({ subject: 'primitive', value }) as const),
    ...scanned,
    ...ended.map(endedFact),
  ];
  if (isWanted('import')) {
    const sources = scanned.flatMap((fact) => (fact.subject === 'source' ? [fact.value] : []));
    const primitivesFolder = posix.join(base, 'primitives');
    const imports = await resolveImports(sources, tree, { primitivesFolder, ownerOf });
    facts.push(...imports.map((value) => ({ subject: 'import', value }) as const));
  }
  if (isWanted('dockerfile')) {
    const read = await Promise.all(selected.map((primitive) => dockerfileOf(primitive, tree)));
    facts.push(
      ...read.flatMap((value) => (value === undefined ? [] : [{ subject: 'dockerfile', value } as const])),
    );
  }
  if (isWanted('model')) facts.push(...(await readModels(selected, scanned, tree)));
  if (isWanted('generated')) {
    emit({ type: 'step', step: 'generate', message: 'Running generators' });
    const generated = await regenerateAll(selected, regenerate, knownOnly);
    facts.push(...generated.facts);
    return { facts, unchecked: generated.unchecked };
  }
  return { facts, unchecked: [] };
}

function endedFact({ path, scan, why }: EndedScan): Fact {
  const family = SCANS.find((one) => one.scan === scan)?.family ?? scan.subject;
  const message = `${path} is not checked by ${family}: ${why}`;
  return { subject: 'obstacle', value: { cause: 'scan-ended', path, message } };
}

/** The folders that could not be listed, and the files that scans and rules could not read. */
export function unreadableFacts({ closed }: Scope, { unreadable }: WorkTree): readonly Fact[] {
  return [...closed, ...unreadable].map(([path, why]) => {
    const message = `${path} cannot be read: ${why}`;
    return { subject: 'obstacle', value: { cause: 'file-unreadable', path, message } };
  });
}
