/** npm of the user, as it installs packages into a folder outside of any repository. Implemented by `adapters/npm`. */
export interface NpmInstaller {
  /**
   * Installs a package and what it depends on into an empty folder; no script of any of them is run. Returns the text of the
   * lock file.
   *
   * Throws `plugin-not-found` (exit 2), `npm-failed` (exit 3) with npm's words, and what starting npm throws.
   */
  install(folder: string, spec: string): Promise<string>;
  /** The same by a lock file: every package has the integrity that it names. */
  installLocked(folder: string, files: { readonly manifest: string; readonly lock: string }): Promise<void>;
}
