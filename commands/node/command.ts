import { defineCommand } from '../kit.ts';

export const command = defineCommand({ title: 'Nodes of Kubernetes clusters: disks and versions' });
