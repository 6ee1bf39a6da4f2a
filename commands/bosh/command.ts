import { defineCommand } from '../kit.ts';

export const command = defineCommand({
  title: 'BOSH: which processes, agents and VMs are not what they should be, and why',
});
