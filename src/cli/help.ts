import type { Command } from '@oclif/core/command';
import type { Config } from '@oclif/core/config';
import { Help } from '@oclif/core/help';
import type { ExitCode } from '../core/errors.ts';
import { messageOf } from '../core/errors.ts';
import { stringifyDocument } from '../render/outcome.ts';
import { sanitizeLine } from '../render/text.ts';
import { wantsJson } from './argv.ts';
import type { BaseCommand } from './base-command.ts';
import type { HelpDocument } from './help-document.ts';

type HelpCommand = HelpDocument['commands'][number];
type HelpFlag = HelpCommand['flags'][number];

/** Base URL of the pages that `docs` of a command names. */
const DOCS = 'https://github.com/ameideio/primitive/blob/main/docs';

/** First commands of a new user, in order. */
const FIRST_STEPS = [
  ['Write the config and the publish workflow', 'init --ci github'],
  ['Create a service', 'scaffold --kind domain --name orders'],
  ['Check code and setup', 'verify && primitive doctor'],
  ['Show what would be built and reused', 'publish --dry-run'],
  ['Publish HEAD', 'publish'],
] as const;

/** Shows what a command, a topic or the whole CLI offers: as text, or as `primitive.help/v1` with `--json`. */
export async function showHelp(
  config: Config,
  id: string | undefined,
  argv: readonly string[],
): Promise<ExitCode> {
  if (wantsJson(argv)) {
    process.stdout.write(stringifyDocument(await helpDocument(config, id)));
    return 0;
  }
  await new PrimitiveHelp(config).showHelp(id === undefined ? [] : [id]);
  return 0;
}

/** oclif's help, with first steps and where to read on. */
class PrimitiveHelp extends Help {
  override async showRootHelp(): Promise<void> {
    await super.showRootHelp();
    const { bin } = this.config;
    const steps = FIRST_STEPS.map(([what, command]) => `${what}\n\n  $ ${bin} ${command}`);
    this.log(`${this.section('EXAMPLES', steps.join('\n\n'))}\n`);
    this.log(this.learnMore('reference.md'));
  }

  override async showCommandHelp(command: Command.Loadable): Promise<void> {
    await super.showCommandHelp(command);
    this.log(this.learnMore(docsOf(command)));
  }

  override formatCommand(command: Command.Loadable): string {
    return super.formatCommand({ ...command, flags: unrelated(command.flags) });
  }

  /** Not wrapped: links and commands are copied. */
  private learnMore(page: string): string {
    return this.section(
      'LEARN MORE',
      `${DOCS}/${page}\nWhat a rule or an error code means: ${this.config.bin} explain CODE`,
    );
  }
}

/** The flags without what they need or exclude: oclif's usage line shows a flag in one relation alone, and others as gaps. */
function unrelated(flags: Command.Loadable['flags']): Command.Loadable['flags'] {
  const all = Object.entries(flags).map(([name, { dependsOn, exclusive, ...flag }]) => [name, flag] as const);
  return Object.fromEntries(all);
}

function docsOf(command: object): string {
  return 'docs' in command && typeof command.docs === 'string' ? command.docs : 'reference.md';
}

/** A command of a plugin that cannot be loaded is left out, and named on stderr; one of ours is our bug. */
function unloaded(command: Command.Loadable, error: unknown, config: Config): undefined {
  if (command.pluginName === config.name) throw error;
  const why = messageOf(error);
  const name = `${command.id.replaceAll(':', ' ')} of ${command.pluginName}`;
  process.stderr.write(
    `warning: Command ${sanitizeLine(`${name} cannot be loaded: ${why}`)} [plugin-command]\n`,
  );
}

/** The commands with their flags and arguments, for programs: those under `id`, or all. */
async function helpDocument(config: Config, id: string | undefined): Promise<HelpDocument> {
  const chosen = config.commands.filter(
    (command) =>
      !command.hidden && (id === undefined || command.id === id || command.id.startsWith(`${id}:`)),
  );
  // Loaded: the manifest has no defaults of switches and no inputs of kinds.
  const loaded = await Promise.all(
    chosen.map(async (command) => {
      const found = command.load().catch((error: unknown) => unloaded(command, error, config));
      const loaded = (await found) as unknown as typeof BaseCommand | undefined;
      return loaded && commandOf(command.id, loaded, config);
    }),
  );
  const commands = loaded.filter((command) => command !== undefined);
  return { schema: 'primitive.help/v1', commands: commands.sort((a, b) => (a.command < b.command ? -1 : 1)) };
}

async function commandOf(id: string, command: typeof BaseCommand, { bin }: Config): Promise<HelpCommand> {
  const flags = Object.entries({ ...command.baseFlags, ...command.flags }) as (readonly [
    string,
    FlagShape,
  ])[];
  const fill = (text: string) => text.replaceAll('<%= config.bin %>', bin);
  return {
    command: id.replaceAll(':', ' '),
    summary: command.summary ?? null,
    description: command.description ?? null,
    docs: `${DOCS}/${docsOf(command)}`,
    examples: (command.examples ?? []).map((example) =>
      typeof example === 'string'
        ? { description: null, command: fill(example) }
        : { description: example.description, command: fill(example.command) },
    ),
    documents: [...(command.documents ?? []), 'primitive.error/v1'],
    args: Object.entries(command.args).map(([name, { description, required, multiple }]) => ({
      name,
      description: description ?? null,
      required: required === true,
      multiple: multiple === true,
    })),
    flags: flags.map(([name, flag]) => flagOf(name, flag, flags)),
    inputs: (await command.inputs?.()) ?? [],
  };
}

/** The fields of a flag of oclif that help shows. */
interface FlagShape {
  readonly type: 'boolean' | 'option';
  readonly char?: string;
  readonly summary?: string;
  readonly required?: boolean;
  readonly options?: readonly string[];
  readonly helpValue?: string;
  readonly multiple?: boolean;
  readonly allowNo?: boolean;
  readonly default?: unknown;
  readonly exclusive?: readonly string[];
  readonly dependsOn?: readonly string[];
}

/** A flag among all of its command: oclif declares an exclusion at one of the two, and a global flag may exclude others' flags. */
function flagOf(
  name: string,
  flag: FlagShape,
  all: readonly (readonly [name: string, flag: FlagShape])[],
): HelpFlag {
  const excludes = ({ exclusive = [] }: FlagShape, other: string) => exclusive.includes(other);
  const exclusive = all.filter(([other, its]) => excludes(flag, other) || excludes(its, name));
  const preset = flag.default ?? (flag.type === 'boolean' ? false : null);
  return {
    name: `--${name}`,
    short: flag.char === undefined ? null : `-${flag.char}`,
    negated: flag.allowNo === true ? `--no-${name}` : null,
    summary: flag.summary ?? null,
    required: flag.required === true,
    value:
      flag.type === 'option'
        ? [...(flag.options ?? [])].length > 0
          ? [...(flag.options ?? [])]
          : (flag.helpValue ?? 'VALUE')
        : null,
    multiple: flag.type === 'option' && flag.multiple === true,
    default: typeof preset === 'string' || typeof preset === 'boolean' ? preset : null,
    exclusive: exclusive.map(([other]) => `--${other}`),
    dependsOn: (flag.dependsOn ?? []).map((other) => `--${other}`),
  };
}
