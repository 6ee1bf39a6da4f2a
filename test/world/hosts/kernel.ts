import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { namespaceOptions, openShell, sessionScript, type ShellSession } from './shell-session.ts';

/** What the kernel is asked to do needs these; each is loaded with what it depends on. */
const MODULES = ['8021q', 'bonding', 'bridge', 'dummy', 'vxlan', 'veth'];

/** The first process of the kernel. The folders of the host are its root, read-only. */
const INIT = `#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmp /run
busybox stty raw -echo
modules=/usr/lib/uml/modules/$(uname -r)
for name in ${MODULES.join(' ')}; do
  order=
  for file in $(grep "/$name\\.ko:" $modules/modules.dep | tr -d :); do order="$file $order"; done
  for file in $order; do busybox insmod $modules/$file 2>/dev/null; done
done
ip link delete bond0
ip link delete dummy0
`;

/**
 * A Linux of its own, as an ordinary process: Debian's user-mode-linux. It has the VLANs, bonds and bridges that the kernel of the machine may lack, and its
 * links are its own. It exists for x86 only: elsewhere this is a network namespace, whose VLANs and bonds need the modules of the machine's kernel.
 */
export async function startKernel(): Promise<ShellSession> {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-kernel-'));
  const shell = process.arch === 'x64' ? await startUserModeLinux(folder) : await startNamespace(folder);
  return {
    ...shell,
    close: async () => {
      await shell.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function startNamespace(folder: string): Promise<ShellSession> {
  const script = join(folder, 'session.sh');
  await writeFile(script, sessionScript(folder));
  return openShell('unshare', [...namespaceOptions(), 'sh', script]);
}

async function startUserModeLinux(folder: string): Promise<ShellSession> {
  const init = join(folder, 'init.sh');
  await writeFile(init, `${INIT}${sessionScript('/run')}`, { mode: 0o755 });
  const console = ['con=null', 'con0=fd:0,fd:1', 'quiet'];
  const root = ['rootfstype=hostfs', 'rootflags=/', 'ro', `init=${init}`];
  return openShell('linux.uml', [...root, ...console, 'mem=64M', 'umid=test', `uml_dir=${folder}`]);
}
