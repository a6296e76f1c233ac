import { join } from 'node:path';
import { PrimitiveError } from '../core/errors.ts';
import { optional } from '../core/object.ts';
import { allowCommand, findProgram, type Search } from '../toolchain/find.ts';
import { checkoutOf, type FolderRules } from '../toolchain/folders.ts';
import { installHints } from '../toolchain/programs.ts';
import { createBuildah } from './buildah.ts';
import type { Builder, BuilderInfo, PlainHttp } from './builder.ts';
import { createBuildx } from './buildx.ts';

/** Search path and settings of builders. */
export interface BuilderSearch extends Search {
  /** The environment, for secrets. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Folders that must not provide programs. */
  readonly folders?: FolderRules;
  /** Existing folder for what lives no longer than one build. */
  readonly temporary: string;
  /** Folder that lasts from run to run, for buildah. */
  readonly storage: string;
  /** None if absent. */
  readonly plainHttp?: PlainHttp;
}

/** A usable builder, and why it was chosen. */
export interface ChosenBuilder {
  readonly builder: Builder;
  readonly info: BuilderInfo;
  /** Half a sentence for people; undefined for the first choice. */
  readonly why: string | undefined;
}

const BUILDERS = ['buildx', 'buildah'] as const;
type BuilderName = (typeof BUILDERS)[number];

/**
 * The builder that the config names, or with `auto` the first usable one of buildx and buildah; `why` says what was wrong
 * with the first. A named builder is never replaced by the other.
 *
 * Throws `builder-not-found` or `builder-unusable` (exit 3) with the fix.
 */
export async function chooseBuilder(
  wanted: 'auto' | BuilderName,
  search: BuilderSearch,
  find: BuilderFinder = createFinder(search),
): Promise<ChosenBuilder> {
  const open = async (name: BuilderName) => {
    const builder = await find(name);
    return { builder, info: await builder.probe() };
  };
  if (wanted !== 'auto') return { ...(await open(wanted)), why: `build.builder is ${wanted}` };
  const refused: PrimitiveError[] = [];
  for (const name of BUILDERS) {
    try {
      const chosen = await open(name);
      const [passedOver] = refused;
      const why =
        passedOver?.code === 'builder-not-found' ? passedOver.message : passedOver && reason(passedOver);
      return { ...chosen, why };
    } catch (error) {
      if (search.signal?.aborted || !(error instanceof PrimitiveError)) throw error;
      refused.push(error);
    }
  }
  const unusable = refused.find(({ code }) => code === 'builder-unusable');
  throw new PrimitiveError(unusable?.code ?? 'builder-not-found', 'No usable builder found', {
    why: refused.map(reason).join('; '),
    suggestions: unusable?.suggestions ?? refused.flatMap(({ suggestions }) => suggestions),
    exit: 3,
  });
}

/** Finds a builder by name, each once. Throws `builder-not-found` or `builder-unusable` (exit 3). */
export type BuilderFinder = (name: BuilderName) => Promise<Builder>;

export function createFinder(search: BuilderSearch): BuilderFinder {
  const found = new Map<BuilderName, Promise<Builder>>();
  return (name) => {
    const builder = found.get(name) ?? find(name, search);
    found.set(name, builder);
    return builder;
  };
}

/** Asks the builder that will be tried first what choosing it takes; starts none. Throws as {@link chooseBuilder}. */
export async function lookForBuilder(wanted: 'auto' | BuilderName, find: BuilderFinder): Promise<void> {
  const [first] = BUILDERS;
  const builder = await find(wanted === 'auto' ? first : wanted);
  await builder.look();
}

async function find(name: BuilderName, search: BuilderSearch): Promise<Builder> {
  if (name === 'buildah' && search.platform !== 'linux') {
    throw new PrimitiveError('builder-not-found', 'buildah runs on Linux only', {
      suggestions: installHints('buildx', search.platform),
      exit: 3,
    });
  }
  if (name === 'buildx') refuseCheckoutConfig(search);
  const found = await findProgram(name, search);
  if (!found.ok) {
    const { message, why, suggestions, code } = found.problem;
    throw new PrimitiveError(code === 'tool-not-found' ? 'builder-not-found' : 'builder-unusable', message, {
      ...optional('why', why),
      suggestions,
      exit: 3,
    });
  }
  const setup = { ...search, program: found.program };
  return name === 'buildx' ? createBuildx(setup) : createBuildah(setup);
}

/** Docker's folder holds its plugins, such as buildx, and both say which BuildKit builds: a commit must not. */
function refuseCheckoutConfig({ variables, folders }: BuilderSearch): void {
  for (const name of ['DOCKER_CONFIG', 'BUILDX_CONFIG']) {
    const folder = variables[name];
    const checkout = folder && folders && checkoutOf(join(folder, 'config.json'), folders);
    if (!folder || !checkout) continue;
    throw new PrimitiveError('builder-unusable', `${name} is in the repository`, {
      why: `${folder} holds plugins and builders, and any commit to ${checkout} could add some`,
      suggestions: [
        `Set ${name} to a folder elsewhere, or, if you trust everyone who can write there: ${allowCommand(folder)}`,
      ],
      exit: 3,
    });
  }
}

function reason({ message, why }: PrimitiveError): string {
  return why === undefined ? message : `${message}: ${why}`;
}
