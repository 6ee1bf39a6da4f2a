import type { SpokenAnswer } from '../cases/case-file.ts';

/** The instances on the hypervisors of the demo: one writes an endless console log, and one has lost its base image. */

const INSTANCES = '/var/lib/nova/instances';
const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

/** Opened without `O_APPEND`, so truncating it would help only for a moment. */
export const CHATTY = {
  id: 'c41f7e60-0d0a-4be3-9a2b-1b9f6d7e5501',
  name: 'ci-agent-4',
  host: 'cmp-12',
  pid: 31_877,
  descriptor: 14,
};
export const LOST_BASE = {
  id: '2b8f5d10-93c4-4f3f-a9d7-3f1d2e4c0a03',
  name: 'report-runner',
  host: 'cmp-11',
  image: '6f2d1a34-88c1-4c6e-9d0e-0f3b5e7a9c11',
};
const BASE = `${INSTANCES}/_base/78e4de707958b7d96ccaebe1061f35a7433fd491`;
/** https://docs.openstack.org/nova/latest/admin/image-caching.html */
const REMOVED_MS_AGO = 3 * 3_600_000;

const BYTES_AT_START = 5.5e9;
const BYTES_PER_SECOND = (40 * MIB) / 60;
const DISK_BYTES = 800 * GIB;
const FREE_BYTES = 38 * GIB;
const STARTED = Date.now();

/** What a hypervisor says about instances, now. */
export function instanceAnswers(host: string, now: Date): readonly SpokenAnswer[] {
  const says = (ask: string, text: string, rc = 0): SpokenAnswer => ({
    of: host,
    ask,
    text,
    rc,
    json: undefined,
  });
  const grown = Math.floor(((now.getTime() - STARTED) / 1000) * BYTES_PER_SECOND);
  return [
    says('findmnt -b -o TARGET,SOURCE,FSTYPE,SIZE,AVAIL', mountTable(grown)),
    says('cat /etc/nova/nova.conf', '[DEFAULT]\n[image_cache]\nmanager_interval = 2400\n'),
    says('grep -r block.I/O.error /var/log/libvirt/qemu', '', 1),
    ...(host === CHATTY.host
      ? chattyAnswers(says, grown, now)
      : [says(`find ${INSTANCES} -name console.log -printf '%s %b %T@ %p\\n'`, '')]),
    ...(host === LOST_BASE.host
      ? lostBaseAnswers(says, now)
      : [says(`ls ${INSTANCES}`, '_base\n'), says('journalctl -u nova-compute, imagecache lines', '')]),
  ];
}

type Says = (ask: string, text: string, rc?: number) => SpokenAnswer;

function mountTable(grown: number): string {
  const free = Math.max(0, FREE_BYTES - grown);
  return `TARGET SOURCE FSTYPE SIZE AVAIL\n/ /dev/sda1 ext4 ${40 * GIB} ${30 * GIB}\n/var/lib/nova /dev/mapper/vg0-nova xfs ${DISK_BYTES} ${free}\n`;
}

function chattyAnswers(says: Says, grown: number, now: Date): readonly SpokenAnswer[] {
  const bytes = BYTES_AT_START + grown;
  const { pid, descriptor } = CHATTY;
  return [
    says(
      `find ${INSTANCES} -name console.log -printf '%s %b %T@ %p\\n'`,
      `${bytes} ${Math.ceil(bytes / 512)} ${now.getTime() / 1000} ${INSTANCES}/${CHATTY.id}/console.log\n`,
    ),
    says(`cat /proc/${pid}/fdinfo/${descriptor}`, `pos:\t${bytes}\nflags:\t0100001\nmnt_id:\t29\n`),
  ];
}

function lostBaseAnswers(says: Says, now: Date): readonly SpokenAnswer[] {
  const disk = `${INSTANCES}/${LOST_BASE.id}/disk`;
  const removedAt = new Date(now.getTime() - REMOVED_MS_AGO).toISOString().replace('T', ' ').slice(0, 23);
  return [
    says(
      `qemu-img info -U --output=json ${disk}`,
      JSON.stringify({
        filename: disk,
        format: 'qcow2',
        'virtual-size': 20 * GIB,
        'actual-size': 1_843_200_000,
        'backing-filename': BASE,
        'full-backing-filename': BASE,
        'backing-filename-format': 'raw',
      }),
    ),
    says(`stat -c %s ${BASE}`, `stat: cannot statx '${BASE}': No such file or directory\n`, 1),
    says(
      'journalctl -u nova-compute, imagecache lines',
      `${removedAt} 4102 INFO nova.virt.libvirt.imagecache [-] Removing base, swap or ephemeral file: ${BASE}\n`,
    ),
  ];
}
