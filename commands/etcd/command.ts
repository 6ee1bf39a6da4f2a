import { defineCommand } from '../kit.ts';

export const command = defineCommand({
  title: 'etcd health, and the services that should be registered in it',
});
