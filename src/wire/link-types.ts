/**
 * LINKTYPE_ numbers of capture files by their names without that prefix, those of
 * https://www.tcpdump.org/linktypes.html that are met most.
 */
export const LinkType = {
  NULL: 0,
  ETHERNET: 1,
  AX25: 3,
  IEEE802_5: 6,
  ARCNET_BSD: 7,
  SLIP: 8,
  PPP: 9,
  FDDI: 10,
  PPP_HDLC: 50,
  PPP_ETHER: 51,
  SYMANTEC_FIREWALL: 99,
  ATM_RFC1483: 100,
  RAW: 101,
  C_HDLC: 104,
  IEEE802_11: 105,
  FRELAY: 107,
  LOOP: 108,
  LINUX_SLL: 113,
  LTALK: 114,
  PFLOG: 117,
  IEEE802_11_PRISM: 119,
  IP_OVER_FC: 122,
  SUNATM: 123,
  IEEE802_11_RADIOTAP: 127,
  ARCNET_LINUX: 129,
  APPLE_IP_OVER_IEEE1394: 138,
  DOCSIS: 143,
  LINUX_IRDA: 144,
  USER0: 147,
  USER1: 148,
  USER2: 149,
  USER3: 150,
  USER4: 151,
  USER5: 152,
  USER6: 153,
  USER7: 154,
  USER8: 155,
  USER9: 156,
  USER10: 157,
  USER11: 158,
  USER12: 159,
  USER13: 160,
  USER14: 161,
  USER15: 162,
  IEEE802_11_AVS: 163,
  BACNET_MS_TP: 165,
  PPP_PPPD: 166,
  GPRS_LLC: 169,
  LINUX_LAPD: 177,
  BLUETOOTH_HCI_H4: 187,
  USB_LINUX: 189,
  PPI: 192,
  IEEE802_15_4_WITHFCS: 195,
  BLUETOOTH_HCI_H4_WITH_PHDR: 201,
  I2C_LINUX: 209,
  IEEE802_15_4_NONASK_PHY: 215,
  USB_LINUX_MMAPPED: 220,
  FC_2: 224,
  IPNET: 226,
  CAN_SOCKETCAN: 227,
  IPV4: 228,
  IPV6: 229,
  IEEE802_15_4_NOFCS: 230,
  NFLOG: 239,
  NETANALYZER: 240,
  MPEG_2_TS: 243,
  INFINIBAND: 247,
  SCTP: 248,
  USBPCAP: 249,
  RTAC_SERIAL: 250,
  BLUETOOTH_LE_LL: 251,
  WIRESHARK_UPPER_PDU: 252,
  NETLINK: 253,
  BLUETOOTH_LINUX_MONITOR: 254,
  BLUETOOTH_BREDR_BB: 255,
  BLUETOOTH_LE_LL_WITH_PHDR: 256,
  PROFIBUS_DL: 257,
  PKTAP: 258,
  EPON: 259,
  VSOCK: 271,
  NORDIC_BLE: 272,
  ETHERNET_MPACKET: 274,
  LINUX_SLL2: 276,
  IEEE802_15_4_TAP: 283,
  USB_2_0: 288,
} as const;

/** What raw IP is called within BSD and other systems, and in files that were written without mapping it. */
export const DLT_RAW = 12;
export const DLT_RAW_OPENBSD = 14;

const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(LinkType).map(([name, number]) => [number, name]));

/** Names that libpcap's DLT_ numbers have where LINKTYPE_ ones have another. */
const DLT_NAMES: Readonly<Record<string, number>> = {
  EN10MB: LinkType.ETHERNET,
  IEEE802: LinkType.IEEE802_5,
  ARCNET: LinkType.ARCNET_BSD,
  PPP_SERIAL: LinkType.PPP_HDLC,
  IEEE802_11_RADIO: LinkType.IEEE802_11_RADIOTAP,
  IEEE802_11_RADIO_AVS: LinkType.IEEE802_11_AVS,
  PRISM_HEADER: LinkType.IEEE802_11_PRISM,
};

/** The number of `ETHERNET`, `en10mb` or `1`; undefined for what is none. */
export function linkTypeNumber(name: string): number | undefined {
  const key = name.toUpperCase();
  if (/^[0-9]{1,5}$/.test(name)) return Number(name) <= 0xffff ? Number(name) : undefined;
  if (Object.hasOwn(LinkType, key)) return LinkType[key as keyof typeof LinkType];
  return Object.hasOwn(DLT_NAMES, key) ? DLT_NAMES[key] : undefined;
}

/** `ETHERNET` for 1; `LINKTYPE_4711` for a number without a name here. */
export function linkTypeName(number: number): string {
  return NAMES.get(number) ?? `LINKTYPE_${number}`;
}
