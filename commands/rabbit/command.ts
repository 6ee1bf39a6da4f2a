import { defineCommand } from '../kit.ts';

export const command = defineCommand({ title: 'RabbitMQ: alarms, partitions, queues' });
