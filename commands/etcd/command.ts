import { defineCommand } from '../kit.ts';

export const command = defineCommand({
  title: 'Who has announced itself in etcd, and how etcd is',
});
