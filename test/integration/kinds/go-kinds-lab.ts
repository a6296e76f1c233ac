import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { entityOf } from '../../../src/kinds/entity.ts';
import type { ModelSettings } from '../../../src/kinds/generators/bpmn/model.ts';
import { withGenerated } from '../../../src/kinds/generators/built-in.ts';
import { type Kind, openKinds, templateFolders } from '../../../src/kinds/kind.ts';
import {
  type RenderedFile,
  render,
  type TemplateVariables,
  templateVariables,
} from '../../../src/kinds/render.ts';
import type { SourcePrimitive } from '../../../src/kinds/source.ts';
import { readBases, readTemplate } from '../../../src/kinds/template.ts';
import { sampleSource } from '../../support/sample-source.ts';
import { attempt, type RunResult } from '../../support/services/run.ts';
import { tool } from '../../tools/locate.ts';

const repository = join(import.meta.dirname, '../../..');
const templates = join(repository, 'templates');

const languages = { go: { module: 'github.com/acme/app' }, proto: { package: 'acme' } };

export const MARKER = 'AMEIDE_SCAFFOLD';

export type Files = ReadonlyMap<string, RenderedFile>;

/** A kind of this package with what it writes for one name. */
export interface Scaffold {
  readonly kind: Kind;
  readonly it: TemplateVariables;
  readonly files: Files;
  /** Files of the small implementation that is kept for tests. */
  readonly reference: Files;
}

export async function scaffold(
  kindName: string,
  name: string,
  more: Partial<TemplateVariables> = {},
  from?: Called,
  bpmn?: ModelSettings,
  goMod?: Uint8Array,
): Promise<Scaffold> {
  const kind = await (await openKinds({ test: join(templates, 'kinds') })).get(kindName);
  if (kind === undefined) throw new Error(`no kind ${kindName}`);
  const bases = await readBases(join(templates, 'bases.yaml'));
  const known = {
    kind: kindName,
    name,
    templateVersion: kind.version,
    image: `${kindName}-${name}`,
    inputs: kindName === 'projection' ? { entity: from?.entity ?? entityOf(name) } : {},
    source: await sourceOf(kind, name, from),
  };
  const it = { ...templateVariables({ ...known, bases, run: kind.run }, languages), ...more };
  const rules = kind.files ?? [];
  const rendered = render(readTemplate(templateFolders(kind)), rules, it);
  return {
    kind,
    it,
    files: (
      await withGenerated(kind.generators ?? [], rendered, {
        shown: '',
        bpmn,
        manifests: new Map(goMod && [['go.mod', goMod]]),
      })
    ).files,
    reference: render(readTemplate([join(repository, 'test/reference', kindName)]), rules, it),
  };
}

/** A domain; without a proto file of its own, as it is scaffolded. */
type Called = Pick<SourcePrimitive, 'kind' | 'name' | 'entity'> & { readonly proto?: string };

/** What is called or whose events are taken: the domain of the same name, unless the kind needs none. */
async function sourceOf(
  { inputs = {} }: Kind,
  name: string,
  from: Called | undefined,
): Promise<SourcePrimitive | undefined> {
  const isNeeded = Object.values(inputs).some(({ type, optional }) => type === 'primitive' && !optional);
  if (from === undefined && !isNeeded) return undefined;
  if (from?.proto !== undefined) return { ...from, proto: from.proto };
  return sampleSource(from ?? { kind: 'domain', name, entity: entityOf(name) }, languages);
}

/** The tests of shared code, and packages of it that only some kinds have, in a module. */
export async function platformTests(module: string, code: ReadonlyMap<string, string>): Promise<Files> {
  const tests = readTemplate([join(repository, 'test/platform/go')]).map(
    ({ path, bytes }) =>
      [`internal/platform/${path}`, new TextDecoder().decode(bytes), 'example.com/service'] as const,
  );
  const all = [...[...code].map(([path, text]) => [path, text, 'module'] as const), ...tests];
  return new Map(
    all.map(([path, text, placeholder]) => [
      path,
      {
        bytes: Buffer.from(text.replaceAll(`"${placeholder}/`, `"${module}/`)),
        mode: '100644',
        owner: 'impl',
      },
    ]),
  );
}

export async function write(folder: string, files: Files): Promise<void> {
  for (const [path, { bytes, mode }] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes, { mode: Number.parseInt(mode.slice(3), 8) });
  }
}

/**
 * For Go tools: a module is by itself, and go.mod is not changed. As in an image there is neither cgo nor the path of a
 * folder in what is compiled, so that Go finds it in its cache wherever the module is.
 */
export const goEnvironment = {
  GOWORK: 'off',
  GOFLAGS: '-mod=readonly -trimpath -buildvcs=false',
  CGO_ENABLED: '0',
} as const;

/** Runs a Go tool in a folder. */
export function go(
  folder: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<RunResult> {
  return attempt(tool('go'), args, { cwd: folder, env: { ...goEnvironment, ...env } });
}

/**
 * What `go test -json` said of the top-level cases, and of everything around them. `go vet` runs by itself; packages that
 * are as they were in the run before are not tested again.
 */
export interface TestRun {
  readonly cases: ReadonlyMap<string, { readonly state: string; readonly output: string }>;
  /** Packages that did not compile, and output that belongs to no case. */
  readonly trouble: string;
}

export async function goTest(
  folder: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<TestRun> {
  const flags = ['-json', '-vet=off', '-timeout=300s'];
  const { stdout, stderr } = await go(folder, ['test', ...flags, ...args], env);
  const cases = new Map<string, { state: string; output: string }>();
  let trouble = stderr;
  for (const line of stdout.trimEnd().split('\n')) {
    const event = JSON.parse(line) as { Action: string; Test?: string; Output?: string };
    if (event.Action.startsWith('build-')) trouble += event.Output ?? `${event.Action}\n`;
    const name = event.Test?.split('/')[0];
    if (name === undefined) continue;
    const seen = cases.get(name) ?? { state: '', output: '' };
    cases.set(name, seen);
    seen.output += event.Output ?? '';
    if (event.Test !== name || !['pass', 'fail', 'skip'].includes(event.Action)) continue;
    if (seen.state !== '') trouble += `two cases are called ${name}\n`;
    seen.state = event.Action;
  }
  return { cases, trouble };
}
