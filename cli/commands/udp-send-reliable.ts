export interface ReliableSendFlags {
  readonly file?: string;
  readonly name?: string;
  readonly timeout?: number;
}
export async function sendReliably(..._: unknown[]): Promise<never> {
  throw new Error('todo');
}
