import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findStaticBusybox } from './busybox.ts';

const run = promisify(execFile);

/** The programs that the tests' containers use. */
const PROGRAMS = ['sh', 'head', 'sleep', 'true'];

/**
 * A tarball with busybox and, if `bytes` is given, a file of this size, for `docker import`.
 * @throws if busybox is missing or dynamically linked
 */
export async function makeImageTar(bytes = 0): Promise<Buffer> {
  const busybox = findStaticBusybox(process.env['PATH'] ?? '');
  if (busybox === undefined) throw new Error('no static busybox on PATH: apt-get install busybox-static');
  return makeTar(async (folder) => {
    await mkdir(join(folder, 'bin'));
    await copyFile(busybox, join(folder, 'bin/busybox'));
    for (const program of PROGRAMS) await symlink('busybox', join(folder, 'bin', program));
    if (bytes > 0) await writeZeros(join(folder, 'layer.bin'), bytes);
  });
}

/** The context of a build that adds a file of this size to an image. */
export function makeBuildTar(image: string, bytes: number): Promise<Buffer> {
  return makeTar(async (folder) => {
    await writeFile(join(folder, 'Dockerfile'), `FROM ${image}\nCOPY built.bin /built.bin\n`);
    await writeZeros(join(folder, 'built.bin'), bytes);
  });
}

export interface SavedImage {
  /** `sha256:…` */
  readonly id: string;
  /** The input of `docker load`. */
  readonly tar: Buffer;
}

/**
 * An image as written by `docker save`, with any creation time; `docker import` would create it now.
 * Dangling if it has no tag. https://github.com/moby/docker-image-spec/blob/main/spec.md
 */
export async function makeSavedImage(layer: Buffer, createdAt: Date, tag?: string): Promise<SavedImage> {
  const config = JSON.stringify({
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    created: createdAt.toISOString(),
    config: {},
    rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`] },
  });
  const id = sha256(config);
  const manifest = [
    { Config: `${id}.json`, RepoTags: tag === undefined ? null : [tag], Layers: ['layer.tar'] },
  ];
  const tar = await makeTar(async (folder) => {
    await writeFile(join(folder, 'layer.tar'), layer);
    await writeFile(join(folder, `${id}.json`), config);
    await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest));
  });
  return { id: `sha256:${id}`, tar };
}

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

async function makeTar(fill: (folder: string) => Promise<void>): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-image-'));
  try {
    await fill(folder);
    const { stdout } = await run('tar', ['-C', folder, '-c', '.'], {
      encoding: 'buffer',
      maxBuffer: 2 ** 30,
    });
    return stdout;
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function writeZeros(path: string, bytes: number): Promise<void> {
  await writeFile(path, '');
  await truncate(path, bytes);
}
