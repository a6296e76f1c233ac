/** Programs that publish and verify run. They are found on the user's PATH, never bundled. */
export type ProgramName =
  | 'git'
  | 'cosign'
  | 'syft'
  | 'buildx'
  | 'buildah'
  | 'docker'
  | 'go'
  | 'python'
  | 'uv'
  | 'node';

/** How a program is called, its minimum version, and how to get it. This is the one place for minimum versions. */
export interface ProgramSpec {
  /** Purpose, to end the sentence "… is needed to". */
  readonly purpose: string;
  /** Ways to call it, best first: the program's file name, then its first arguments. */
  readonly calls: readonly (readonly [program: string, ...args: string[]])[];
  /** Arguments that print its version. */
  readonly probe: readonly string[];
  /** Variables for the probe, so that it asks no server. */
  readonly probeEnv?: Readonly<Record<string, string>>;
  /** The version is its first group. */
  readonly pattern: RegExp;
  /** The oldest version that is supported. */
  readonly minimum: string;
  /** Commands and pages to get it, by operating system. */
  readonly install: {
    readonly darwin: readonly string[];
    readonly linux: readonly string[];
    readonly other: readonly string[];
  };
}

/** Errors and `doctor` share these texts. */
export const programs: Readonly<Record<ProgramName, ProgramSpec>> = {
  git: {
    purpose: 'read the commit that is published',
    calls: [['git']],
    probe: ['--version'],
    pattern: /^git version (\d+(?:\.\d+)+)/m,
    // For object filters when deepening, `cat-file --batch` on partial clones, and both object formats.
    minimum: '2.30.0',
    install: {
      darwin: ['brew install git'],
      linux: ['sudo apt-get install git', 'sudo dnf install git'],
      other: ['https://git-scm.com/downloads'],
    },
  },
  cosign: {
    purpose: 'sign images',
    calls: [['cosign']],
    probe: ['version'],
    pattern: /^GitVersion:\s+v?(\d+(?:\.\d+)+)/m,
    // Older ones cannot sign a given statement into a bundle, or write bundles that others do not find.
    minimum: '3.1.0',
    install: {
      darwin: ['brew install cosign'],
      linux: [
        'go install github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3',
        'https://github.com/sigstore/cosign/releases',
      ],
      other: ['https://github.com/sigstore/cosign/releases'],
    },
  },
  syft: {
    purpose: 'list what is in an image',
    calls: [['syft']],
    probe: ['version'],
    probeEnv: { SYFT_CHECK_FOR_APP_UPDATE: 'false' },
    pattern: /^Version:\s+v?(\d+(?:\.\d+)+)/m,
    // Older ones cannot describe a single platform of an image layout.
    minimum: '1.20.0',
    install: {
      darwin: ['brew install syft'],
      linux: [
        // Without the flag a program that `go install` built does not know its version.
        'go install -ldflags="-X main.version=1.52.0" github.com/anchore/syft/cmd/syft@v1.52.0',
        'https://github.com/anchore/syft/releases',
      ],
      other: ['https://github.com/anchore/syft/releases'],
    },
  },
  buildx: {
    purpose: 'build images with BuildKit',
    calls: [['buildx'], ['docker-buildx'], ['docker', 'buildx']],
    probe: ['version'],
    pattern: /^github\.com\/docker\/buildx v?(\d+(?:\.\d+)+)/m,
    // Older ones cannot write an image layout as a folder with rewritten timestamps.
    minimum: '0.13.0',
    install: {
      darwin: ['brew install docker-buildx'],
      linux: ['sudo apt-get install docker-buildx', 'https://github.com/docker/buildx/releases'],
      other: ['https://github.com/docker/buildx/releases'],
    },
  },
  buildah: {
    purpose: 'build images without a daemon',
    calls: [['buildah']],
    probe: ['--version'],
    pattern: /^buildah version (\d+(?:\.\d+)+)/m,
    minimum: '1.28.0',
    install: {
      darwin: ['buildah runs on Linux only; use buildx: brew install docker-buildx'],
      linux: ['sudo apt-get install buildah', 'sudo dnf install buildah'],
      other: ['buildah runs on Linux only; use buildx: https://github.com/docker/buildx/releases'],
    },
  },
  docker: {
    purpose: 'start BuildKit in a container',
    calls: [['docker']],
    probe: ['--version'],
    pattern: /^Docker version (\d+(?:\.\d+)+)/m,
    minimum: '20.10.0',
    install: {
      darwin: ['brew install --cask docker'],
      linux: ['sudo apt-get install docker.io', 'https://docs.docker.com/engine/install'],
      other: ['https://docs.docker.com/get-docker'],
    },
  },
  go: {
    purpose: 'test Go code',
    calls: [['go']],
    probe: ['version'],
    pattern: /^go version go(\d+(?:\.\d+)+)/m,
    // From 1.24 on `go test -json` reports what does not compile.
    minimum: '1.24.0',
    install: {
      darwin: ['brew install go'],
      linux: ['https://go.dev/dl'],
      other: ['https://go.dev/dl'],
    },
  },
  python: {
    purpose: 'test Python code',
    calls: [['python3']],
    probe: ['--version'],
    pattern: /^Python (\d+(?:\.\d+)+)/m,
    minimum: '3.11.0',
    install: {
      darwin: ['brew install python'],
      linux: ['sudo apt-get install python3 python3-venv', 'sudo dnf install python3'],
      other: ['https://www.python.org/downloads'],
    },
  },
  uv: {
    purpose: 'install what Python code needs',
    calls: [['uv']],
    probe: ['--version'],
    pattern: /^uv (\d+(?:\.\d+)+)/m,
    // From 0.8 on `uv sync --check` compares an environment with a lock file.
    minimum: '0.8.0',
    install: {
      darwin: ['brew install uv'],
      linux: ['pipx install uv', 'https://docs.astral.sh/uv/getting-started/installation'],
      other: ['https://docs.astral.sh/uv/getting-started/installation'],
    },
  },
  node: {
    purpose: 'test TypeScript code',
    calls: [['node']],
    probe: ['--version'],
    pattern: /^v(\d+(?:\.\d+)+)/m,
    // From 22.18 on TypeScript runs as it is.
    minimum: '22.18.0',
    install: {
      darwin: ['brew install node'],
      linux: ['https://nodejs.org/en/download'],
      other: ['https://nodejs.org/en/download'],
    },
  },
};

/** Commands and pages that get a program on this operating system, best first. */
export function installHints(name: ProgramName, platform: NodeJS.Platform): readonly string[] {
  const { install } = programs[name];
  if (platform === 'darwin' || platform === 'linux') return install[platform];
  return install.other;
}
