import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { chromium, type Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { MAX_WORLD_WAIT_MS } from '../timeouts.ts';
import { BROWSER } from '../world/browser.ts';

interface DemoOptions {
  /** Of the Cloud Foundry. Default 0: none. */
  readonly vms?: number;
  /** Whether to start a Docker Engine. Default no. */
  readonly engine?: boolean;
}

/**
 * Starts the demo as someone new would, on a free port, with its own temporary folder. It is stopped when
 * the test has finished.
 */
export async function startDemo(env: Record<string, string>, { vms = 0, engine = false }: DemoOptions = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-e2e-'));
  const words = ['--port', '0', '--vms', String(vms), ...(engine ? [] : ['--no-engine'])];
  const demo = execa(process.execPath, ['test/demo/main.ts', ...words], {
    all: true,
    reject: false,
    extendEnv: false,
    env: { ...env, TMPDIR: folder, WRENCH_DATA: folder },
  });
  onTestFinished(async () => {
    demo.kill('SIGINT');
    await demo;
    await rm(folder, { recursive: true, force: true });
  });
  let said = '';
  const ready = Promise.withResolvers<void>();
  demo.all.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    if (said.includes('Ctrl-C stops everything')) ready.resolve();
  });
  void demo.then(() => ready.reject(new Error(`the demo ended: ${said}`)));
  await ready.promise;
  return {
    folder,
    said,
    /** Runs a check in the running demo from a terminal. */
    ask: () =>
      execa(process.execPath, ['src/main.ts', 'run', 'certs', 'expiring', '--env', 'demo', '--json'], {
        reject: false,
        extendEnv: false,
        env: { ...env, TMPDIR: folder, WRENCH_DATA: folder },
      }),
    address: /http:\/\/127\.0\.0\.1:\d+\//.exec(said)?.[0] ?? '',
    /** Stops it. Returns what it left on the machine: files, processes, mounts. */
    stop: async () => {
      demo.kill('SIGINT');
      const { exitCode } = await demo;
      const left = [await readdir(folder), await processesOf(folder), await mountsIn(folder)].flat();
      return { exitCode, left };
    },
  };
}

/** The command lines that name the demo's folder: everything it starts has a file in there. */
async function processesOf(folder: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''));
  return (await Promise.all(lines)).filter((line) => line.includes(folder));
}

async function mountsIn(folder: string): Promise<readonly string[]> {
  const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n');
  return mounts.filter((line) => line.includes(folder));
}

/** A browser with the demo's page. It is closed when the test has finished. */
export async function openPage(address: string): Promise<Page> {
  const browser = await chromium.launch(BROWSER);
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  page.setDefaultTimeout(MAX_WORLD_WAIT_MS);
  await page.goto(address);
  return page;
}
