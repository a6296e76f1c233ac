import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { tool } from '../tools/locate.ts';
import { gitEnvironment } from './git.ts';
import { initKit } from './kit.ts';
import { type Github, type GithubOptions, startGithub } from './services/github/github.ts';
import type { DoubleRepository } from './services/github/repository.ts';
import { attempt, run } from './services/run.ts';

/** The steps of the scaffold workflow that the generator has. */
export const STEPS = ['check', 'write', 'render', 'propose'] as const;

export type Step = (typeof STEPS)[number];

/** What the steps of a scaffold came to; `step` is the last one, which failed where `code` is not 0. */
export interface Scaffolded {
  readonly code: number;
  readonly step: Step;
  readonly output: string;
  /** The clone that it ran in. */
  readonly folder: string;
}

/** GitHub's double with the repository `acme/gitops`. */
export interface GitopsWorld extends AsyncDisposable {
  readonly github: Github;
  readonly gitops: DoubleRepository;
  readonly token: string;
  /** A clone of a branch over HTTP; default: the default branch, without its history. */
  clone(branch?: string, history?: 'shallow' | 'whole'): Promise<string>;
  /** The text of a file; throws where there is none. */
  text(path: string, branch?: string): Promise<string>;
  /** Commits files to the default branch. */
  commit(files: Readonly<Record<string, string>>): Promise<void>;
  /** Commits and pushes everything in a clone. */
  pushAll(folder: string, message: string): Promise<void>;
  /** Runs a step of a script of the kit in a clone, as the workflow does; the token is in the step `propose` alone. */
  kitStep(
    folder: string,
    step: readonly [script: string, step: string],
    inputs: Readonly<Record<string, unknown>>,
    more?: Readonly<Record<string, string>>,
  ): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>;
  /** Runs the generator in a new clone, step by step, as the workflow does. */
  scaffold(inputs: Readonly<Record<string, unknown>>): Promise<Scaffolded>;
}

/** `kit`: whether it is installed; default true. */
export async function startGitops({
  kit = true,
  ...options
}: GithubOptions & { readonly kit?: boolean } = {}): Promise<GitopsWorld> {
  const github = await startGithub(options);
  const base = await mkdtemp(join(tmpdir(), 'primitive-gitops-'));
  const gitops = await github.create('acme/gitops');
  const token = github.token({ login: 'github-actions[bot]' }).value;
  const basic = Buffer.from(`x-access-token:${token}`).toString('base64');
  const authorized = {
    GIT_CONFIG_KEY_0: `http.${github.web}/.extraheader`,
    GIT_CONFIG_VALUE_0: `AUTHORIZATION: basic ${basic}`,
  };
  const environment = {
    ...gitEnvironment,
    ...authorized,
    ...(options.tls && { GIT_SSL_CAINFO: options.tls.caFile, NODE_EXTRA_CA_CERTS: options.tls.caFile }),
  } as Record<string, string>;
  let clones = 0;

  const clone = async (branch = gitops.defaultBranch, history: 'shallow' | 'whole' = 'shallow') => {
    clones += 1;
    const folder = join(base, `clone-${clones}`);
    const url = `${github.web}/acme/gitops.git`;
    const depth = history === 'whole' ? [] : ['--depth=1'];
    await run('git', ['clone', '--quiet', ...depth, '--branch', branch, url, folder], {
      env: environment,
    });
    return folder;
  };

  const commit = async (files: Readonly<Record<string, string>>) => {
    await gitops.commit(gitops.defaultBranch, files);
  };

  const pushAll = async (folder: string, message: string) => {
    const git = (...args: string[]) => run('git', ['-C', folder, ...args], { env: environment });
    await git('add', '--all');
    await git('commit', '--quiet', '--message', message);
    await git('push', '--quiet', 'origin', 'HEAD');
  };

  const kitStep: GitopsWorld['kitStep'] = (folder, [script, step], inputs, more = {}) =>
    attempt(process.execPath, [`.github/primitive/${script}`, step], {
      cwd: folder,
      env: {
        ...environment,
        // Git gets its credentials from the script, which has them in the last step.
        ...gitEnvironment,
        PATH: `${dirname(tool('helm'))}:${process.env.PATH}`,
        INPUTS: JSON.stringify(inputs),
        GITHUB_REPOSITORY: gitops.name,
        GITHUB_SERVER_URL: github.web,
        GITHUB_API_URL: github.api,
        GITHUB_ACTOR: 'alice',
        GITHUB_RUN_ID: '16000000001',
        GITHUB_STEP_SUMMARY: '',
        ...(step === 'propose' && { BASE: gitops.defaultBranch, TOKEN: token }),
        ...more,
      } as Record<string, string>,
    });

  if (kit) {
    const folder = await clone();
    const origin = async () => ({ remote: 'https://github.com/acme/gitops', branch: 'main' });
    await initKit(folder, { lanes: ['dev', 'production'] }, { origin });
    await pushAll(folder, 'Install the GitOps kit');
  }

  return {
    github,
    gitops,
    token,
    clone,
    text: async (path, branch) => {
      const text = await gitops.file(path, branch);
      if (text === undefined) throw new Error(`no ${path}`);
      return text;
    },
    commit,
    pushAll,
    kitStep,
    async scaffold(inputs) {
      const folder = await clone();
      let output = '';
      for (const step of STEPS) {
        const { code, stdout, stderr } = await kitStep(folder, ['scaffold.mjs', step], inputs);
        output += stdout + stderr;
        if (code !== 0 || step === 'propose') return { code, step, output, folder };
      }
      throw new Error('the generator has no steps');
    },
    async [Symbol.asyncDispose]() {
      await github.stop();
      await rm(base, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
