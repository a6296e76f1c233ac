import { posix } from 'node:path';
import { globFault } from '../core/glob.ts';
import { nearest } from '../core/nearest.ts';
import { optional } from '../core/object.ts';
import { once } from '../core/once.ts';
import type { Platform } from '../core/platform.ts';
import { shellWord } from '../core/show-path.ts';
import { joinRepository } from '../oci/reference.ts';
import type { ImageRepository } from '../oci/types.ts';
import type { Fault } from '../yaml/fault.ts';
import type { YamlDocument } from '../yaml/read.ts';
import { type BuildSecret, resolvePlatforms, resolveSecrets, type Workspace } from './config.ts';
import { argFaults, platformFaults, referenceFaults, secretFaults } from './config-rules.ts';
import type { PrimitiveFile } from './primitive-document.ts';
import { type NameRules, nameFault, nameLike } from './primitive-names.ts';
import { workloadFaults } from './workload.ts';
import type { Workload } from './workload-schema.ts';

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
  readonly repository: ImageRepository;
  readonly build: {
    /** Relative to the repository's root; '' is the root. */
    readonly context: string;
    /** Relative to the context. */
    readonly dockerfile: string;
    readonly target?: string;
    /** Globs relative to the context; absent if all of it is input. */
    readonly inputs?: readonly string[];
    readonly platforms: readonly Platform[];
    readonly args: Readonly<Record<string, string>>;
    /** Reference in `FROM` -> reference to use instead. */
    readonly bases: Readonly<Record<string, string>>;
    readonly secrets: readonly BuildSecret[];
  };
}

/** The part of a kind that components need. */
export interface ComponentKind extends Workload {
  readonly names: NameRules;
  /** Relative to the folder of the component. */
  readonly build: { readonly context: string; readonly dockerfile: string; readonly target?: string };
}

/** The kinds by name. Implemented by `kinds/`. */
export interface ComponentKinds {
  readonly names: readonly string[];
  get(kind: string): Promise<ComponentKind | undefined>;
}

/** A workspace, and the kinds of its primitives. */
export interface PrimitivePorts extends Workspace {
  readonly kinds: ComponentKinds;
}

/**
 * The component that a `primitive.yaml` describes. `path` is its folder and `base` that of the config, both relative to
 * the repository's root. Throws `primitive-unknown-key`, `primitive-invalid` (exit 2, with file, line and column).
 */
export async function componentOf(
  document: YamlDocument<PrimitiveFile>,
  { path, base }: { readonly path: string; readonly base: string },
  { config, kinds, location }: PrimitivePorts,
): Promise<Component> {
  const file = document.value;
  const kind = await kinds.get(file.kind);
  const faults = [
    ...identityFaults(file, path, kind, kinds),
    ...buildFaults(file),
    ...(kind === undefined ? [] : workloadFaults(file, kind)),
  ];
  if (kind === undefined || faults.length > 0) throw document.refusal(faults);
  const image = file.image ?? config.image.replaceAll('{kind}', file.kind).replaceAll('{name}', file.name);
  const repository = once(() => joinRepository(config.registry, image));
  const imageFaults = referenceFaults(repository, file.image ? ['image'] : ['name'], `the image ${image}`);
  const paths = buildPaths(file, kind, path, base);
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
    build: {
      context: paths.context,
      dockerfile: paths.dockerfile,
      ...optional('target', target),
      ...optional('inputs', build.inputs),
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

/** The kind of a primitive by the place of its folder. */
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

/** Both relative as in {@link Component}; faults if they lead out of the repository or of each other. */
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
      suggestion: `inputs: ["${posix.relative(context, path)}/**", …] names what the image is made of; ["**"] takes everything, so that every change rebuilds it.`,
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

function shorten(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 60)}…`;
}
