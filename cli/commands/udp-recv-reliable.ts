export interface ReliableReceiveFlags {
  readonly file?: string;
  readonly timeout?: number;
}
export async function receiveReliably(..._: unknown[]): Promise<never> {
  throw new Error('todo');
}
