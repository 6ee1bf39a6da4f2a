import { defineCommand } from '../kit.ts';

export const command = defineCommand({
  title: 'BOSH processes, agents and VMs that are down, and why',
});
