import { realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { PrimitiveError } from '../../core/errors.ts';
import { nearest } from '../../core/nearest.ts';
import { field } from '../../core/object.ts';
import { clashOf } from '../../plugins/clash.ts';
import { type PluginManifest, readPlugin } from '../../plugins/manifest.ts';
import { PACKAGE_NAME } from '../../plugins/names.ts';
import type { PinnedPlugin } from '../../plugins/pinned.ts';
import { type InstalledPlugin, keep, link, openNew, readInstalled, remove } from '../../plugins/store.ts';
import type { PluginEntry, PluginsDocument } from './document.ts';
import type { InstallPorts, PluginPorts } from './ports.ts';

/** All plugins of this user, sorted by name; with `name` that one. Throws `plugin-unknown` (exit 2). */
export function listPlugins(
  { pluginStore }: Pick<PluginPorts, 'pluginStore'>,
  name?: string,
): PluginsDocument {
  const { plugins, broken } = readInstalled(pluginStore);
  if (name !== undefined && ![...plugins, ...broken].some((one) => one.name === name))
    throw unknown(name, plugins);
  const isMeant = (one: { readonly name: string }) => name === undefined || one.name === name;
  return {
    schema: 'primitive.plugins/v1',
    plugins: plugins.filter(isMeant).map((plugin) => entry('listed', plugin, null)),
    problems: broken.filter(isMeant).map((one) => ({
      name: one.name,
      code: 'plugin-record',
      message: `Plugin ${one.name} is not loaded: ${one.why}. To remove it: primitive plugins uninstall ${one.name}`,
    })),
  };
}

/**
 * Installs packages from the registry of the user's npm, in place of what was there under their names; nothing of them is
 * run. Throws `plugin-spec`, `plugin-…` (exit 2), and what npm throws; those before the one that fails stay installed.
 */
export async function installPlugins(
  specs: readonly string[],
  ports: InstallPorts,
): Promise<PluginsDocument> {
  const wanted = specs.map(parseSpec);
  const done: PluginEntry[] = [];
  if (ports.ci !== undefined)
    ports.emit({
      type: 'warning',
      code: 'plugin-not-merged',
      message:
        'In CI only plugins count that config and lock file of the merge base name: primitive plugins install',
    });
  for (const { name, spec } of wanted) {
    const before = findInstalled(ports, name);
    const plugin = await installOne({ name, spec }, ports);
    const isSame = before?.version === plugin.version && before.integrity === plugin.integrity;
    done.push(
      entry(isSame ? 'unchanged' : before ? 'updated' : 'installed', plugin, before?.version ?? null),
    );
  }
  return documentOf(done);
}

/**
 * Installs what config and lock file of the repository name: in CI those of the merge base, elsewhere those of the work tree.
 * Every package has the integrity that the lock file names. Throws `plugins-none`, `plugin-…` (exit 2), and what npm throws.
 */
export async function installPinned(ports: InstallPorts): Promise<PluginsDocument> {
  const { plugins, problems } = await ports.repositoryPlugins();
  const [problem] = problems;
  if (problem !== undefined) {
    const { code, message, fix } = problem;
    throw new PrimitiveError(code, message, { suggestions: fix === undefined ? [] : [fix] });
  }
  const done: PluginEntry[] = [];
  for (const pinned of plugins) {
    const before = findInstalled(ports, pinned.name);
    const isSame = before?.locked === pinned.locked;
    const plugin = isSame ? before : await installOnePinned(pinned, ports);
    done.push(
      entry(isSame ? 'unchanged' : before ? 'updated' : 'installed', plugin, before?.version ?? null),
    );
  }
  return documentOf(done);
}

async function installOnePinned(pinned: PinnedPlugin, ports: InstallPorts): Promise<InstalledPlugin> {
  const { name, version, integrity, resolved, locked } = pinned;
  const spec = `${name}@${version}`;
  const npm = await ports.npmInstaller();
  ports.emit({ type: 'step', step: 'install', message: `Installing ${spec}` });
  using made = openNew(ports.pluginStore);
  await npm.installLocked(made.folder, pinned);
  const manifest = await readPlugin(join(made.folder, 'node_modules', name), {
    linked: false,
    mayBeData: true,
  });
  refuseClash(manifest, ports);
  return keep(ports.pluginStore, made.folder, {
    ...manifest,
    spec,
    integrity,
    resolved,
    locked,
    linked: false,
  });
}

/** Installs what their specs mean today; linked ones are left out. Throws as {@link installPlugins}. */
export async function updatePlugins(names: readonly string[], ports: InstallPorts): Promise<PluginsDocument> {
  const { plugins } = readInstalled(ports.pluginStore);
  for (const name of names) if (!plugins.some((one) => one.name === name)) throw unknown(name, plugins);
  const meant = plugins.filter(({ name, linked }) => !linked && (names.length === 0 || names.includes(name)));
  return installPlugins(
    meant.map(({ spec }) => spec),
    ports,
  );
}

/** Uses the plugin in a folder as it is, and reads it each time. Throws `plugin-…` (exit 2). */
export async function linkPlugin(path: string, ports: InstallPorts): Promise<PluginsDocument> {
  const folder = await realpath(resolve(ports.cwd, path)).catch((cause: unknown) => {
    throw new PrimitiveError('folder-not-found', `Cannot find the folder ${path}.`, { cause });
  });
  const manifest = await readPlugin(folder, { linked: true });
  refuseClash(manifest, ports);
  const before = findInstalled(ports, manifest.name);
  const source = { spec: folder, integrity: null, resolved: null, locked: null, linked: true };
  const plugin: InstalledPlugin = { ...manifest, ...source, folder };
  link(ports.pluginStore, plugin);
  return documentOf([entry('linked', plugin, before?.version ?? null)]);
}

/** Removes plugins with all that was installed for them. Throws `plugin-unknown` (exit 2) before it removes any. */
export function uninstallPlugins(names: readonly string[], ports: PluginPorts): PluginsDocument {
  const { plugins, broken } = readInstalled(ports.pluginStore);
  for (const name of names) {
    if (![...plugins, ...broken].some((one) => one.name === name)) throw unknown(name, plugins);
  }
  for (const name of names) remove(ports.pluginStore, name);
  return documentOf(
    plugins.filter(({ name }) => names.includes(name)).map((one) => entry('uninstalled', one, one.version)),
  );
}

async function installOne(
  { name, spec }: { readonly name: string; readonly spec: string },
  ports: InstallPorts,
): Promise<InstalledPlugin> {
  const npm = await ports.npmInstaller();
  ports.emit({ type: 'step', step: 'install', message: `Installing ${spec}` });
  using made = openNew(ports.pluginStore);
  const lock = JSON.parse(await npm.install(made.folder, spec));
  const manifest = await readPlugin(join(made.folder, 'node_modules', name), { linked: false });
  refuseClash(manifest, ports);
  return keep(ports.pluginStore, made.folder, {
    ...manifest,
    spec,
    ...sourceOf(lock, name),
    locked: null,
    linked: false,
  });
}

/** Origin of a package, by the lock file of npm. Throws `plugin-source` for what is not from a registry. */
function sourceOf(lock: unknown, name: string): Pick<InstalledPlugin, 'integrity' | 'resolved'> {
  const locked = field(field(lock, 'packages'), `node_modules/${name}`);
  const integrity = field(locked, 'integrity');
  const resolved = field(locked, 'resolved');
  if (typeof integrity === 'string')
    return { integrity, resolved: typeof resolved === 'string' ? resolved : null };
  throw new PrimitiveError('plugin-source', `Cannot install ${name}: its integrity is unknown.`, {
    why: 'The lock file that npm wrote names none: the package is not from a registry.',
  });
}

function refuseClash(manifest: PluginManifest, { pluginStore, taken }: InstallPorts): void {
  const clash = clashOf(manifest, readInstalled(pluginStore).plugins, taken);
  if (clash !== undefined) throw clash;
}

/**
 * A package of a registry: a name with a version, a range or a tag. npm would also take folders, URLs and repositories of
 * git. Throws `plugin-spec` (exit 2).
 */
function parseSpec(spec: string): { readonly name: string; readonly spec: string } {
  const at = spec.indexOf('@', 1);
  const name = at === -1 ? spec : spec.slice(0, at);
  const range = at === -1 ? '' : spec.slice(at + 1);
  if (PACKAGE_NAME.test(name) && (at === -1 || /^[\w.^~<>=|* +-]+$/.test(range))) return { name, spec };
  throw new PrimitiveError('plugin-spec', `${JSON.stringify(spec)} is not a package of a registry.`, {
    why: 'A plugin is named as NAME, NAME@VERSION, NAME@RANGE or NAME@TAG.',
    suggestions: ['primitive plugins install @acme/primitive-rust', 'A folder: primitive plugins link DIR'],
  });
}

function findInstalled({ pluginStore }: PluginPorts, name: string): InstalledPlugin | undefined {
  return readInstalled(pluginStore).plugins.find((one) => one.name === name);
}

function unknown(name: string, plugins: readonly InstalledPlugin[]): PrimitiveError {
  const near = nearest(
    name,
    plugins.map((one) => one.name),
  );
  return new PrimitiveError('plugin-unknown', `Plugin ${JSON.stringify(name)} is not installed.`, {
    suggestions: [...(near === undefined ? [] : [`Did you mean ${near}?`]), 'primitive plugins list'],
  });
}

function documentOf(plugins: readonly PluginEntry[]): PluginsDocument {
  const sorted = [...plugins].sort((a, b) => (a.plugin.name < b.plugin.name ? -1 : 1));
  return { schema: 'primitive.plugins/v1', plugins: sorted, problems: [] };
}

function entry(action: PluginEntry['action'], plugin: InstalledPlugin, before: string | null): PluginEntry {
  const { name, version, spec, linked, folder, integrity, resolved, locked, api, commands, kinds } = plugin;
  return {
    action,
    before,
    plugin: {
      name,
      version,
      spec,
      linked,
      folder,
      integrity,
      resolved,
      pinned: locked !== null,
      api,
      commands: commands.map((id) => id.replaceAll(':', ' ')),
      kinds,
      rules: plugin.rules.map(({ id }) => id),
      hooks: Object.keys(plugin.hooks).sort(),
    },
  };
}
