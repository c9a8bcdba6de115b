/** What to try where the kernel refuses to send a packet, by the code: not what helps those who open or bind a socket. */
export const REFUSAL_ADVICE: Readonly<Record<string, string>> = {
  EACCES: 'the route there forbids it: ip route get ADDRESS',
  EPERM: 'a firewall of this machine forbids it: nft list ruleset, iptables -S OUTPUT',
};
