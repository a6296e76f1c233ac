import type { Emit } from '../../core/events.ts';
import type { Taken } from '../../plugins/clash.ts';
import type { Pinned } from '../../plugins/pinned.ts';
import type { NpmInstaller } from './npm.ts';

/** Ports of the commands of `plugins`. */
export interface PluginPorts {
  /** The folder of this user's plugins; it need not exist. */
  readonly pluginStore: string;
  npmInstaller(): Promise<NpmInstaller>;
  /** The CI that this runs in, if any. */
  readonly ci: string | undefined;
  /** Base of a relative path. Absolute. */
  readonly cwd: string;
  readonly emit: Emit;
}

/** Ports, and the names that are this program's. */
export interface InstallPorts extends PluginPorts {
  readonly taken: Taken;
  /** Plugins in config and lock file of the commit that counts here. */
  repositoryPlugins(): Promise<Pinned>;
}
