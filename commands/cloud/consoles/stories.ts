import type { Story } from '../../kit.ts';
import {
  consoleFile,
  factsOf,
  GIB,
  grown,
  hostFacts,
  MIB,
  mount,
  openFile,
  server,
  UUID,
} from './builders.ts';
import type { Facts } from './facts.ts';

/** Its user had the log on the dashboard, and refreshed the page: the whole file went through RabbitMQ, which ran out of memory. */
export const downTheRabbitHole: Story<Facts> = {
  title: 'A broken guest with a console log of 5.5 GB',
  source:
    '"Down the Rabbit Hole" in https://github.com/openstack/openstack-manuals/blob/2603dc85e537086638648d7d31884df285029614/doc/ops-guide/source/app_crypt.rst',
  now: new Date('2012-10-11T14:20:00Z'),
  facts: factsOf([
    hostFacts('cc12', [grown('instance-00000e05', 5.5e9, 3 * MIB)], {
      mounts: [mount(210 * GIB)],
      openFiles: [openFile('instance-00000e05', false, 20_451)],
      owners: [
        {
          folder: 'instance-00000e05',
          server: server('8e3f2a52-7c14-4a0b-8f4e-0d6a4c9b1f10', {
            name: 'broken-vm',
            user: 'u-research-3',
            project: 'p-research',
            host: 'cc12',
            instanceName: 'instance-00000e05',
          }),
        },
      ],
    }),
  ]),
};

/** With virtlogd, or `append='on'`, the writer goes on at the end of the file: truncating frees the space. */
export const appendedLog: Story<Facts> = {
  title: 'A console log that virtlogd appends to',
  source: 'https://blueprints.launchpad.net/nova/+spec/libvirt-virtlogd',
  now: new Date('2026-11-26T12:00:00Z'),
  facts: factsOf([
    hostFacts('cmp-c07', [grown(UUID, 5.7 * GIB, 40 * MIB)], {
      mounts: [mount(41_231_686_042)],
      openFiles: [openFile(UUID, true)],
      owners: [{ folder: UUID, server: server(UUID) }],
    }),
  ]),
};

/** What a truncated log of a process that writes at its own position looks like: it has its old size, and costs nothing. */
export const sparseLog: Story<Facts> = {
  title: 'A sparse console log that costs 124 KiB',
  source: 'https://github.com/stackhpc/ansible-role-libvirt-vm/issues/105',
  now: new Date('2026-11-26T12:00:00Z'),
  facts: factsOf([
    hostFacts('cmp-c09', [
      {
        before: consoleFile(UUID, 126_976, { bytes: 5_905_580_032 }),
        after: consoleFile(UUID, 126_976, { bytes: 5_905_580_032 }),
        betweenMs: 60_000,
      },
    ]),
  ]),
};
