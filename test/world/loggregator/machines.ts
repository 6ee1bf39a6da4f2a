import { createHash } from 'node:crypto';
import type { Vm } from './vm.ts';

export type Machine = Omit<Vm, 'monit' | 'folder'>;

const OTHER_JOBS = ['router', 'runner', 'api', 'uaa', 'hm9000'] as const;
/** Of the outage's doppler_z1/0. */
const FIRST_ADDRESS = 25;

/** A Cloud Foundry of 2016: one job per zone, dopplers first. Always the same, including ids. */
export function planMachines(count: number, zones: number): readonly Machine[] {
  return Array.from({ length: count }, (_, position): Machine => {
    const zone = `z${(position % zones) + 1}`;
    const round = Math.floor(position / zones);
    const job = round === 0 ? 'doppler' : OTHER_JOBS[(round - 1) % OTHER_JOBS.length]!;
    const index = round === 0 ? 0 : Math.floor((round - 1) / OTHER_JOBS.length);
    const group = `${job}_${zone}`;
    const name = `${group}/${index}`;
    return { name, group, index, id: idOf(name), zone, addresses: [`10.160.55.${FIRST_ADDRESS + position}`] };
  });
}

/** In the format of a UUID of version 4, as BOSH creates. */
function idOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
