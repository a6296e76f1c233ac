import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PrimitiveError } from '../../core/errors.ts';
import type { Finding } from '../../core/finding.ts';
import { nearest } from '../../core/nearest.ts';
import { packagePath } from '../../core/package.ts';
import type { Bases } from '../../kinds/bases-schema.ts';
import { type Manifests, recordedGenerators, withGenerated } from '../../kinds/generators/built-in.ts';
import { pastPlatformFile } from '../../kinds/generators/platform.ts';
import { type Kind, type Kinds, modelFiles, templateFolders } from '../../kinds/kind.ts';
import { originOf } from '../../kinds/origin.ts';
import { readService } from '../../kinds/proto.ts';
import { render, templateVariables } from '../../kinds/render.ts';
import { digestsOf, isScaffolded, readBases, readTemplate, type Template } from '../../kinds/template.ts';
import { joinRepository } from '../../oci/reference.ts';
import type { Config, Workspace } from '../../repository/config.ts';
import { entryLines, guessEntries, type LanguageEntries } from '../../repository/language-entries.ts';
import { MANIFEST } from '../../repository/primitive-folders.ts';
import { clashOf, nameFault, nameLike } from '../../repository/primitive-names.ts';
import type { PastFiles } from './edited.ts';
import { type OtherPrimitive, readExisting, readSite, readUnexpected, type Site } from './facts.ts';
import { type GivenInputs, readInput, resolveInputs } from './inputs.ts';
import { leftImports } from './left-imports.ts';
import { type PackageFetcher, pastRendering } from './past-template.ts';
import { planScaffold } from './plan.ts';
import type { Contents, ScaffoldPlan } from './planned.ts';
import { completeInputs } from './related.ts';
import { checkCommitted, checkUpdate, ejectedByMove, readChanged } from './update.ts';

/** A request of scaffold. */
export interface NamedPrimitive {
  readonly kind: string;
  readonly name: string;
  readonly inputs: GivenInputs;
  /** Write files again that were deleted. */
  readonly restore: boolean;
  /** Take over what the template changed. */
  readonly update: boolean;
}

/** Target and sources of a scaffold. */
export interface ScaffoldPlace extends Workspace {
  readonly kinds: Kinds;
  /** Base of relative paths in inputs; absolute. */
  readonly cwd: string;
  /** The repository at HEAD, for an update. */
  tree(): Promise<PastFiles>;
  /** Packages that templates came from, for an update. */
  readonly withPackage: PackageFetcher;
  /** Called with the reason why a version of a template cannot be fetched. */
  readonly warn: (message: string) => void;
}

/**
 * Reads all facts and plans; writes nothing.
 *
 * Throws, exit 2: `git-not-a-repository`, `kind-unknown`, `kind-not-scaffolded`, `name-invalid`, `name-clash`,
 * `image-clash`, `reference-invalid`, `languages-missing`, `scaffold-blocked`, `scaffold-mismatch`, `input-…`,
 * `source-…`, `bpmn-…`, `kind-…` for a broken kind, `primitive-…` for a broken `primitive.yaml`; for an update also
 * `scaffold-not-recorded`, `scaffold-template-newer`, `scaffold-uncommitted`, and what git throws.
 */
export async function prepareScaffold(
  request: NamedPrimitive,
  place: ScaffoldPlace,
): Promise<{
  readonly plan: ScaffoldPlan;
  readonly contents: Contents;
  /** Of what generators read. */
  readonly warnings: readonly Finding[];
}> {
  const { location, config } = place;
  if (location.repositoryRoot === undefined) throw noRepository(location.root);
  const kind = await kindOf(request.kind, place.kinds);
  checkName(request.name, kind);
  const template = templateOf(kind);
  const site = await readSite(location.root, kind.kind, request.name);
  checkLanguages(kind, template, config.languages, request.inputs);
  const image = imageOf(config, { kind: kind.kind, name: request.name, ...imageIn(site) });
  joinRepository(config.registry, image);
  checkSite(site, kind, request.name);
  checkImage(site, image, config);
  const provenance = site.manifest?.provenance;
  const resolved = await resolveInputs(kind, request.inputs, provenance?.inputs, {
    cwd: place.cwd,
    root: location.root,
  });
  const { inputs, source } = await completeInputs(kind, request.name, resolved, {
    root: location.root,
    given: request.inputs,
    languages: config.languages,
    kinds: place.kinds,
  });
  const [service, model, bases] = await Promise.all([
    serviceOf(kind, inputs, location.root, site.path),
    modelOf(kind, inputs, location.root, site),
    readBases(packagePath('templates/bases.yaml')),
  ]);
  const manifests = await readManifests(join(location.root, site.path));
  const make = async (from: Kind, template: Template, bases: Bases, eject = site.manifest?.eject) => {
    const data = {
      name: request.name,
      image,
      inputs,
      source,
      ...(service && { service }),
      ...(model && { model }),
    };
    const variables = templateVariables(
      { ...data, kind: from.kind, templateVersion: from.version, bases, run: from.run },
      config.languages,
    );
    const isNew = request.update || provenance === undefined;
    const generators = isNew
      ? (from.generators ?? [])
      : recordedGenerators(from.generators, provenance.generators);
    const filled = render(template, from.files ?? [], variables);
    return withGenerated(generators, filled, {
      ...{ shown: `${site.path}/`, bpmn: site.manifest?.bpmn },
      ...{ eject, manifests },
    });
  };
  const { files: rendered, warnings } = await make(kind, template, bases);
  if (rendered.has(MANIFEST)) {
    throw new PrimitiveError(
      'kind-path-invalid',
      `${kind.kind}/files/${MANIFEST}: scaffold writes that itself.`,
    );
  }
  const folder = join(location.root, site.path);
  const paths = new Set([...rendered.keys(), ...(provenance?.files.keys() ?? []), MANIFEST]);
  const unmanaged = site.state === 'occupied' && provenance === undefined ? await readUnexpected(folder) : [];
  const existing = await readExisting(folder, paths);
  // Another process was quicker: now its primitive is there, whole.
  if (site.state !== 'occupied' && existing.size > 0) return prepareScaffold(request, place);
  const { name, restore, update } = request;
  const lock = await readFile(join(location.root, 'package-lock.json'), 'utf8').catch(() => undefined);
  const origin = await originOf(kind, lock);
  const templates = digestsOf(kind, template, bases);
  const facts = {
    kind,
    name,
    inputs,
    events: source?.events?.digest,
    rendered,
    site,
    existing,
    unmanaged,
    restore,
    update,
    templates,
    origin,
  };
  if (!update)
    return { ...planScaffold({ ...facts, edited: new Map(), moved: new Map(), ejected: [] }), warnings };
  await checkUpdate(kind, site, { templates, origin });
  const tree = await place.tree();
  const fetched = pastRendering(provenance?.origins, kind.kind, place, make);
  const read = async (path: string) => manifests.get(path) ?? rendered.get(path)?.bytes;
  const shared = { shown: `${site.path}/`, read };
  const changed = await readChanged(
    facts,
    tree,
    async (path, digest) =>
      (await pastPlatformFile(path, digest, kind.generators, shared)) ?? fetched(path, digest),
  );
  const ejected = ejectedByMove(rendered, changed);
  const eject = [...(site.manifest?.eject ?? []), ...ejected];
  const owned = ejected.length === 0 ? rendered : (await make(kind, template, bases, eject)).files;
  const updated = planScaffold({ ...facts, ...changed, rendered: owned, ejected });
  await checkCommitted(updated.plan, location.root, tree);
  const imports = await leftImports(updated.plan.files, updated.contents, {
    folder,
    goMod: new TextDecoder().decode(manifests.get('go.mod')),
  });
  const plan = imports.length === 0 ? updated.plan : { ...updated.plan, imports: [...imports] };
  return { ...updated, plan, warnings };
}

async function readManifests(folder: string): Promise<Manifests> {
  const found = new Map<string, Uint8Array>();
  for (const path of ['go.mod', 'pyproject.toml']) {
    const bytes = await readFile(join(folder, path)).catch(() => undefined);
    if (bytes !== undefined) found.set(path, bytes);
  }
  return found;
}

async function kindOf(name: string, kinds: Kinds): Promise<Kind> {
  const kind = await kinds.get(name);
  if (kind !== undefined) return kind;
  const meant = nearest(name, kinds.names);
  throw new PrimitiveError('kind-unknown', `Kind ${JSON.stringify(name)} is unknown.`, {
    why: `Kinds: ${kinds.names.join(', ')}`,
    suggestions: meant === undefined ? [] : [`Did you mean ${meant}?`],
  });
}

function checkName(name: string, kind: Kind): void {
  const fault = nameFault(name, kind.names);
  if (fault === undefined) return;
  const like = nameLike(name, kind.kind, kind.names);
  const shown = name.length > 80 ? `${name.slice(0, 80)}…` : name;
  throw new PrimitiveError(
    'name-invalid',
    `Invalid name ${JSON.stringify(shown)} for kind ${kind.kind}: it ${fault}.`,
    {
      why: `it becomes a folder, an image, and names in code; allowed: ${kind.names.pattern}`,
      suggestions: like === undefined ? [] : [`primitive scaffold --kind ${kind.kind} --name ${like}`],
    },
  );
}

function imageOf({ image }: Config, primitive: OtherPrimitive): string {
  return primitive.image ?? image.replaceAll('{kind}', primitive.kind).replaceAll('{name}', primitive.name);
}

function imageIn({ manifest }: Site): { readonly image?: string } {
  return manifest?.image === undefined ? {} : { image: manifest.image };
}

function templateOf(kind: Kind): Template {
  if (!isScaffolded(kind)) {
    throw new PrimitiveError('kind-not-scaffolded', `Kind ${kind.kind} has no template.`, {
      why: 'there is no folder files/ beside its kind.yaml, so its primitives are written by hand',
      suggestions: [
        `Write primitives/${kind.kind}/NAME/${MANIFEST} with \`schema: primitive.primitive/v1\`, \`kind: ${kind.kind}\` and \`name: NAME\`, and ${kind.build.dockerfile} beside it.`,
      ],
    });
  }
  return readTemplate(templateFolders(kind));
}

/** Sample entries of `languages`. */
const SAMPLE_OWNER = { repository: 'github.com/OWNER/REPOSITORY', name: 'OWNER', identifier: 'OWNER' };

function checkLanguages(
  kind: Kind,
  template: Template,
  languages: Config['languages'],
  given: GivenInputs,
): void {
  const needed: (keyof LanguageEntries)[] = kind.language === 'other' ? [] : [kind.language];
  const hasSource = Object.entries(kind.inputs ?? {}).some(
    ([name, { type, optional }]) => type === 'primitive' && (optional !== true || Object.hasOwn(given, name)),
  );
  if (hasSource || template.some(({ path }) => path.includes('[proto]'))) needed.push('proto');
  const missing = needed.filter((language) => languages[language] === undefined);
  if (missing.length === 0) return;
  const sample = guessEntries(SAMPLE_OWNER);
  throw new PrimitiveError(
    'languages-missing',
    `primitive.config.yaml has no names for ${missing.join(' and ')} code.`,
    {
      why: `Kind ${kind.kind} needs \`languages\`; names never come from this machine`,
      suggestions: [`languages:\n${entryLines(Object.fromEntries(missing.map((id) => [id, sample[id]])))}`],
    },
  );
}

function checkSite(site: Site, kind: Kind, name: string): void {
  const { manifest, path, others } = site;
  if (manifest !== undefined && (manifest.kind !== kind.kind || manifest.name !== name)) {
    throw new PrimitiveError(
      'scaffold-mismatch',
      `${path}/${MANIFEST} names ${manifest.kind}/${manifest.name}.`,
      {
        why: 'kind and name must be those of the folder',
        suggestions: [`Correct \`kind\` and \`name\` in ${path}/${MANIFEST}.`],
      },
    );
  }
  const names = others.filter((other) => other.kind === kind.kind).map((other) => other.name);
  const clash = clashOf(name, names);
  if (clash !== undefined) {
    throw new PrimitiveError(
      'name-clash',
      `Name ${name} is too similar to that of another ${kind.kind}, ${clash}.`,
      {
        why: 'they differ only in hyphens or case, and become the same name in code',
        suggestions: ['Choose a name with different letters.'],
      },
    );
  }
}

function checkImage({ others }: Site, image: string, config: Config): void {
  const same = others.find((other) => imageOf(config, other) === image);
  if (same === undefined) return;
  throw new PrimitiveError('image-clash', `${same.kind}/${same.name} already has the image ${image}.`, {
    why:
      same.image === undefined ? `\`image\` of the config is ${config.image}` : 'its primitive.yaml sets it',
    suggestions: ['Use {kind} and {name} in `image` of the config, or choose another name.'],
  });
}

/** The data of a proto file for the template. */
async function serviceOf(kind: Kind, inputs: GivenInputs, root: string, primitive: string) {
  const path = inputs.service;
  if (path === undefined || kind.inputs?.service?.match !== '*.proto') return undefined;
  return readService({
    text: new TextDecoder().decode(await readInput(root, 'service', path)),
    path,
    primitive,
  });
}

/** The data of a BPMN file for the template: once it was copied, the copy is the model. */
async function modelOf(kind: Kind, inputs: GivenInputs, root: string, { path: primitive, manifest }: Site) {
  const given = inputs.bpmn;
  if (given === undefined || kind.inputs?.bpmn?.match !== '*.bpmn') return undefined;
  const copies = modelFiles(kind).map((copy) => `${primitive}/${copy}`);
  const path = copies.find((copy) => existsSync(join(root, copy))) ?? given;
  const { compileBpmn } = await import('../../kinds/generators/bpmn/compile.ts');
  return compileBpmn(await readInput(root, 'bpmn', path), path, manifest?.bpmn);
}

function noRepository(root: string): PrimitiveError {
  return new PrimitiveError('git-not-a-repository', `${root} is not in a git repository.`, {
    why: 'a primitive is built and published from committed files',
    suggestions: ['git init'],
  });
}
