import { defineCommand } from '../kit.ts';

export const command = defineCommand({ title: 'Nodes: disks, versions, leftover containers' });
