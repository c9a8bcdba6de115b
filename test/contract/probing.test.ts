/** Ping and trace find the same in the same networks, simulated and real, through every socket that there is. */
import { namespaceObstacle } from '../hosts/machine.js';
import { realProber, simulatedProber } from '../hosts/probers.js';
import { describeProbing } from './probing.contract.js';

const obstacle = namespaceObstacle();

describeProbing('raw sockets, simulated', {
  socket: 'raw',
  backend: 'native',
  real: false,
  traces: () => true,
  pings: () => true,
  open: async () => simulatedProber('raw'),
});

describeProbing('unprivileged sockets, simulated', {
  socket: 'dgram',
  backend: 'native',
  real: false,
  traces: (protocol) => protocol !== 'tcp',
  pings: () => true,
  open: async () => simulatedProber('dgram'),
});

describeProbing(
  'raw sockets',
  {
    socket: 'raw',
    backend: 'native',
    real: true,
    traces: () => true,
    pings: () => true,
    open: () => realProber('native', 'root'),
  },
  obstacle,
);

describeProbing(
  'unprivileged sockets',
  {
    socket: 'dgram',
    backend: 'native',
    real: true,
    traces: (protocol) => protocol !== 'tcp',
    pings: () => true,
    open: () => realProber('native', 'nobody'),
  },
  obstacle,
);

describeProbing(
  'raw-socket',
  {
    socket: 'raw',
    backend: 'portable',
    real: true,
    // It has no filters, and shows no headers of IPv6.
    traces: (protocol, family) => protocol !== 'tcp' && family === 'ipv4',
    pings: () => true,
    open: () => realProber('portable', 'root'),
  },
  obstacle,
);
