import { posix } from 'node:path';
import { PrimitiveError } from '../core/errors.ts';
import { type Finding, findingText } from '../core/finding.ts';
import { nearest } from '../core/nearest.ts';
import { once } from '../core/once.ts';
import type { Platform } from '../core/platform.ts';
import { shellWord } from '../core/show-path.ts';
import { joinRepository } from '../oci/reference.ts';
import type { Repository } from '../oci/types.ts';
import type { Fault } from '../yaml/fault.ts';
import { parseYaml } from '../yaml/read.ts';
import { type BuildSecret, type Config, resolvePlatforms, resolveSecrets } from './config.ts';
import { argFaults, platformFaults, referenceFaults, secretFaults } from './config-rules.ts';
import { discoverPrimitives, findUncommitted } from './discover-primitives.ts';
import { type ConfigLocation, pathBelow } from './discovery.ts';
import { globFault } from './globs.ts';
import { PrimitiveFile } from './primitive-document.ts';
import { PRIMITIVES } from './primitive-folders.ts';
import { type NameRules, nameFault, nameLike } from './primitive-names.ts';
import type { SourceTree } from './source-tree.ts';

/** One deployable unit, with everything about its build decided. */
export interface Component {
  /** `domain/orders`. */
  readonly id: string;
  readonly kind: string;
  readonly name: string;
  /** Its folder, relative to the repository's root: `primitives/domain/orders`. */
  readonly path: string;
  /** Below the registry: `domain-orders`. */
  readonly image: string;
  /** `ghcr.io/acme/domain-orders`. */
  readonly repository: Repository;
  /** Version of the template that it was scaffolded from; absent where a person wrote it. */
  readonly templateVersion?: number;
  readonly build: {
    /** Relative to the repository's root; '' is the root. */
    readonly context: string;
    /** Relative to the context. */
    readonly dockerfile: string;
    readonly target?: string;
    /** Globs relative to the context; absent where all of it is input. */
    readonly inputs?: readonly string[];
    readonly platforms: readonly Platform[];
    readonly args: Readonly<Record<string, string>>;
    /** Reference in `FROM` -> reference to use instead. */
    readonly bases: Readonly<Record<string, string>>;
    readonly secrets: readonly BuildSecret[];
  };
}

/** What components need to know of their kind. */
export interface ComponentKind {
  readonly names: NameRules;
  /** Relative to the folder of the component. */
  readonly build: { readonly context: string; readonly dockerfile: string; readonly target?: string };
}

/** The kinds by name. Implemented by `kinds/`. */
export interface ComponentKinds {
  readonly names: readonly string[];
  get(kind: string): Promise<ComponentKind | undefined>;
}

/** What components are read with. */
export interface Workspace {
  readonly location: ConfigLocation;
  readonly config: Config;
  readonly kinds: ComponentKinds;
}

/**
 * All components of HEAD, sorted by kind and name: each folder `primitives/<kind>/<name>` with a `primitive.yaml`.
 *
 * They are read from the commit and not from the work tree, so that a sparse checkout leaves none out. A Dockerfile
 * without `primitive.yaml`, a submodule, a `primitive.yaml` at another depth or only in the work tree is no component
 * but a warning.
 *
 * Throws `components-none`, `primitive-…` (with file, line and column), `image-clash`, `config-outside-repository`
 * (exit 2), and what git throws.
 */
export async function readComponents(
  tree: SourceTree,
  workspace: Workspace,
): Promise<{ readonly components: readonly Component[]; readonly warnings: readonly Finding[] }> {
  const base = workspaceFolder(tree, workspace.location);
  // Callers ask for the inputs next: git can begin now.
  tree.changes().catch(() => {});
  const folder = posix.join(base, PRIMITIVES);
  const { manifests, warnings: ignored } = await discoverPrimitives(tree, folder);
  // The kinds can be read while git reads the manifests.
  for (const kind of new Set(manifests.map(({ path }) => folderKind(posix.dirname(path))))) {
    workspace.kinds.get(kind).catch(() => {});
  }
  const [texts, uncommitted] = await Promise.all([
    tree.readWhole(manifests.map(({ object }) => object)),
    findUncommitted(tree, base, manifests),
  ]);
  const warnings = [...ignored, ...uncommitted];
  if (manifests.length === 0) throw noComponents(folder, workspace.location, warnings);
  const irregular = manifests.find(({ mode }) => !mode.startsWith('100'));
  if (irregular !== undefined) {
    throw new PrimitiveError('primitive-invalid', `${irregular.path} must be a plain file, not a link.`);
  }
  const components: Component[] = [];
  const decoder = new TextDecoder();
  for (const [i, { path }] of manifests.entries()) {
    const text = decoder.decode(texts[i]);
    components.push(await parseComponent({ path, text, base }, workspace));
  }
  checkImages(components);
  return { components: components.sort((a, b) => (a.id < b.id ? -1 : 1)), warnings };
}

function workspaceFolder(tree: SourceTree, location: ConfigLocation): string {
  const base = pathBelow(tree.root, location.root);
  if (base !== undefined) return base;
  throw new PrimitiveError(
    'config-outside-repository',
    `${location.path} is not in the repository ${tree.root}.`,
    {
      why: 'it decides what is published and whom to trust, so it is committed and reviewed with the code',
      suggestions: [`Move it to ${tree.root}/primitive.config.yaml.`],
    },
  );
}

/** A `primitive.yaml`. */
export interface Manifest {
  /** Relative to the repository's root. */
  readonly path: string;
  readonly text: string;
  /** The folder of the config, relative to the repository's root. */
  readonly base: string;
}

/**
 * The component that a `primitive.yaml` describes.
 * Throws `primitive-syntax`, `primitive-unknown-key`, `primitive-invalid` (exit 2, with file, line and column).
 */
export async function parseComponent(
  manifest: Manifest,
  { config, kinds, location }: Workspace,
): Promise<Component> {
  const document = await parseYaml(
    { text: manifest.text, shown: manifest.path, subject: 'primitive' },
    PrimitiveFile,
  );
  const file = document.value;
  const path = posix.dirname(manifest.path);
  const kind = await kinds.get(file.kind);
  const faults = [...identityFaults(file, path, kind, kinds), ...buildFaults(file)];
  if (kind === undefined || faults.length > 0) throw document.refusal(faults);
  const image = file.image ?? config.image.replaceAll('{kind}', file.kind).replaceAll('{name}', file.name);
  const repository = once(() => joinRepository(config.registry, image));
  const imageFaults = referenceFaults(repository, file.image ? ['image'] : ['name'], `the image ${image}`);
  const paths = buildPaths(file, kind, path, manifest.base);
  if (imageFaults.length > 0 || paths.faults.length > 0)
    throw document.refusal([...imageFaults, ...paths.faults]);
  const { build = {} } = file;
  const target = build.target ?? kind.build.target;
  return {
    id: `${file.kind}/${file.name}`,
    kind: file.kind,
    name: file.name,
    path,
    image,
    repository: repository(),
    ...(file.template === undefined ? {} : { templateVersion: file.template.version }),
    build: {
      context: paths.context,
      dockerfile: paths.dockerfile,
      ...(target === undefined ? {} : { target }),
      ...(build.inputs === undefined ? {} : { inputs: build.inputs }),
      platforms: build.platforms === undefined ? config.platforms : resolvePlatforms(build.platforms),
      args: { ...config.build.args, ...build.args },
      bases: config.build.bases,
      secrets: mergeSecrets(config.build.secrets, resolveSecrets(build.secrets ?? [], location.root)),
    },
  };
}

/** The component's own secret replaces the config's of the same id. */
function mergeSecrets(shared: readonly BuildSecret[], own: readonly BuildSecret[]): readonly BuildSecret[] {
  return [...new Map([...shared, ...own].map((secret) => [secret.id, secret])).values()];
}

function identityFaults(
  file: PrimitiveFile,
  path: string,
  kind: ComponentKind | undefined,
  kinds: ComponentKinds,
): readonly Fault[] {
  const name = posix.basename(path);
  const expected = folderKind(path);
  const faults: Fault[] = [];
  if (file.kind !== expected) {
    faults.push({
      path: ['kind'],
      message: `\`kind\` is ${file.kind}, but the folder is that of a ${expected}: ${path}`,
    });
  }
  if (file.name !== name) {
    faults.push({ path: ['name'], message: `\`name\` is ${file.name}, but the folder is called ${name}` });
  }
  if (kind === undefined) {
    const meant = nearest(file.kind, kinds.names);
    faults.push({
      path: ['kind'],
      message: `kind ${JSON.stringify(file.kind)} is unknown`,
      suggestion: meant ? `Did you mean ${meant}?` : `Kinds: ${kinds.names.join(', ')}`,
    });
    return faults;
  }
  const fault = nameFault(file.name, kind.names);
  if (fault !== undefined) {
    const like = nameLike(file.name, file.kind, kind.names);
    faults.push({
      path: ['name'],
      message: `the name ${JSON.stringify(shorten(file.name))} ${fault}`,
      suggestion:
        like === undefined
          ? `The rule is ${kind.names.pattern}`
          : `mv ${shellWord(path)} ${shellWord(`${posix.dirname(path)}/${like}`)}, and \`name: ${like}\` in its primitive.yaml`,
    });
  }
  return faults;
}

/** The kind that a primitive has by where its folder is. */
function folderKind(path: string): string {
  return posix.basename(posix.dirname(path));
}

function buildFaults({ build }: PrimitiveFile): readonly Fault[] {
  if (build === undefined) return [];
  return [
    ...platformFaults(build.platforms ?? [], ['build', 'platforms']),
    ...argFaults(build.args ?? {}, ['build', 'args']),
    ...secretFaults(build.secrets ?? [], ['build', 'secrets']),
    ...(build.inputs ?? []).flatMap((glob, i) => {
      const fault = globFault(glob);
      return fault === undefined
        ? []
        : [
            {
              path: ['build', 'inputs', i],
              message: `the pattern ${JSON.stringify(glob)} cannot be used: ${fault}`,
            },
          ];
    }),
  ];
}

/** Both relative to what {@link Component} says; faults where they lead out of the repository or of each other. */
function buildPaths(
  { build = {} }: PrimitiveFile,
  kind: ComponentKind,
  path: string,
  base: string,
): { context: string; dockerfile: string; faults: readonly Fault[] } {
  const context =
    build.context === undefined ? joined(path, kind.build.context) : joined(base, build.context);
  const file = joined(path, build.dockerfile ?? kind.build.dockerfile);
  const faults: Fault[] = [];
  if (leaves(context) || build.context?.startsWith('/')) {
    faults.push({
      path: ['build', 'context'],
      message: `\`build.context\` leads out of the repository: ${build.context}`,
    });
  } else if (!isInside(file, context) || build.dockerfile?.startsWith('/')) {
    faults.push({
      path: ['build', 'dockerfile'],
      message: `the Dockerfile ${file} is not in the build context ${context}`,
      suggestion: '`build.dockerfile` is relative to the folder of its primitive.yaml.',
    });
  }
  if (build.inputs === undefined && context !== path && !isInside(context, path)) {
    faults.push({
      path: ['build', 'context'],
      message: 'a context that is more than the folder of the primitive needs `build.inputs`',
      suggestion: `inputs: ["${posix.relative(context, path)}/**", …] names what the image is made of; ["**"] takes everything, so that every change builds it anew.`,
    });
  }
  return { context, dockerfile: context === '' ? file : file.slice(context.length + 1), faults };
}

function joined(folder: string, path: string): string {
  const text = posix.join(folder, path).replace(/\/$/, '');
  return text === '.' ? '' : text;
}

function leaves(path: string): boolean {
  return path === '..' || path.startsWith('../');
}

function isInside(path: string, folder: string): boolean {
  return !leaves(path) && (folder === '' || path.startsWith(`${folder}/`));
}

/** Two components that push to one repository would overwrite each other's tags. */
function checkImages(components: readonly Component[]): void {
  const owners = new Map<string, Component>();
  for (const component of components) {
    const other = owners.get(component.repository);
    if (other !== undefined) {
      throw new PrimitiveError(
        'image-clash',
        `${other.id} and ${component.id} have the same image: ${component.repository}`,
        {
          why: 'each commit has one image under one name',
          suggestions: [
            'Use {kind} and {name} in `image` of the config.',
            `Or set \`image\` in ${component.path}/primitive.yaml.`,
          ],
        },
      );
    }
    owners.set(component.repository, component);
  }
}

function noComponents(
  folder: string,
  location: ConfigLocation,
  warnings: readonly Finding[],
): PrimitiveError {
  return new PrimitiveError(
    'components-none',
    `No primitive found at HEAD: no file ${folder}/<kind>/<name>/primitive.yaml.`,
    {
      why: [`${location.path} makes ${location.root} the workspace`, ...warnings.map(findingText)].join('\n'),
      suggestions: [
        'primitive scaffold --kind domain --name orders, then commit it',
        `Or for code that is there: a folder ${folder}/domain/orders with a Dockerfile and a primitive.yaml (kind: domain, name: orders)`,
      ],
    },
  );
}

function shorten(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 60)}…`;
}
