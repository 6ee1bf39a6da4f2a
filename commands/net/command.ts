import { defineCommand } from '../kit.ts';

export const command = defineCommand({ title: 'Networks of hosts: MTU, bonds, DHCP' });
