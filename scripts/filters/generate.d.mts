/** An integer from 0 up to `limit`, without that. */
export type Below = (limit: number) => number;

export function generateExpression(random: Below, options?: { readonly tunnels?: boolean }): string;
export function generatePacket(random: Below, linkType: number): Uint8Array;
