import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { AnswerCommand, HostOutput } from './serve-hosts.ts';

export interface HostFile {
  /** `/etc/kubernetes/pki/apiserver.crt` */
  readonly path: string;
  /** Absent for a symbolic link. */
  readonly content?: string | Buffer;
  /** When it was last changed. Default: now. */
  readonly modified?: Date;
  /** The path on the host that a symbolic link leads to. */
  readonly linkTo?: string;
}

export interface FilesOnHost {
  /** Runs the commands that read certificates in these files. Others are not installed. */
  readonly answer: AnswerCommand;
  readonly close: () => Promise<void>;
}

const PREFIX = /^env LC_ALL=C PATH=\S+ (?:sudo -n )?/;

/**
 * A host with these files: Wrench's own commands really run, in a folder that stands for the root of the host.
 *
 * @param programs what other commands print, by their line without its prefix: `kubeadm certs check-expiration -o json`
 * @param path where the programs are that run. Default: those of this machine
 */
export async function filesOnHost(
  files: readonly HostFile[],
  programs: Readonly<Record<string, string | HostOutput>> = {},
  path?: string,
): Promise<FilesOnHost> {
  const root = await mkdtemp(join(tmpdir(), 'wrench-host-files-'));
  for (const { path: name, content = '', modified = new Date(), linkTo } of files) {
    const at = join(root, name);
    await mkdir(dirname(at), { recursive: true });
    if (linkTo !== undefined) {
      await symlink(join(root, linkTo), at);
      continue;
    }
    await writeFile(at, content);
    await utimes(at, modified, modified);
  }
  return {
    answer: async (line) => {
      const asked = line.replace(PREFIX, '');
      const known = programs[asked.replaceAll("'", '')];
      if (known !== undefined) return typeof known === 'string' ? { exitCode: 0, stdout: known } : known;
      if (!/^find -L \/(?:etc\/kubernetes|var\/vcap)/.test(asked)) return notInstalled(asked);
      return runBelow(root, path === undefined ? line : line.replace(/PATH=\S+/, `PATH=${path}`));
    },
    close: () => rm(root, { recursive: true, force: true }),
  };
}

function notInstalled(asked: string): HostOutput {
  const [program = ''] = asked.split(' ');
  return { exitCode: 127, stderr: `env: '${program}': No such file or directory\n` };
}

/** The same command line in a shell, as sshd runs it, with `root` before the paths that are searched. */
function runBelow(root: string, line: string): Promise<HostOutput> {
  const moved = line.replace('sudo -n ', '').replaceAll(/(?<= )\/(?=(?:etc|var)\/)/g, `${root}/`);
  return new Promise((resolve, reject) => {
    const options = { encoding: 'latin1', maxBuffer: 64 * 1024 * 1024, env: {} } as const;
    execFile('/bin/sh', ['-c', moved], options, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') reject(error);
      else
        resolve({
          exitCode: error ? Number(error.code) : 0,
          stdout: Buffer.from(stdout.replaceAll(root, ''), 'latin1'),
          stderr: stderr.replaceAll(root, ''),
        });
    });
  });
}
