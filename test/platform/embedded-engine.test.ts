import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from '@jest/globals';
import { dynamoKeyStore } from '../../lambda/adapters/dynamodb/key-store.ts';
import { secretHash } from '../../lambda/domain/ids.ts';
import { findEngine, startEngine } from '../../lambda/platform/embedded-engine.ts';
import { virtualKey } from '../adapters/dynamodb/fixtures.ts';
import { PROJECT_ROOT, startTestEngine } from '../support/engine.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-engine-'));
afterAll(() => rmSync(folder, { recursive: true }));

const search = { environment: {}, root: folder, platform: 'linux', arch: 'x64' };

function program(...path: readonly string[]): string {
  const file = join(folder, ...path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, '#!/bin/sh\nexit 3\n');
  chmodSync(file, 0o755);
  return file;
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

describe('findEngine', () => {
  test('names the two commands that help where there is none', () => {
    const find = () => findEngine({ ...search, platform: 'darwin', arch: 'arm64' });
    expect(find).toThrow('No DynamoDB-compatible engine was found for darwin-arm64.');
    expect(find).toThrow('npm install --prefix .local/dynamo --no-save @dynoxide/darwin-arm64@');
    expect(find).toThrow('export DYNAMODB_ENDPOINT=http');
  });

  test('prefers what the environment says, then what is installed, then PATH', () => {
    const onPath = program('bin', 'dynoxide');
    const environment = { PATH: `/nowhere:${join(folder, 'bin')}` };
    expect(findEngine({ ...search, environment })).toMatchObject({ path: onPath, source: 'PATH' });
    const local = program('.local/dynamo/node_modules/@dynoxide/linux-x64', 'dynoxide');
    expect(findEngine({ ...search, environment })).toMatchObject({ path: local });
    const installed = program('node_modules/@dynoxide/linux-x64', 'dynoxide');
    expect(findEngine({ ...search, environment })).toMatchObject({ path: installed });
    const named = { ...environment, DYNOXIDE_BIN: '/opt/dynoxide' };
    expect(findEngine({ ...search, environment: named })).toMatchObject({ path: '/opt/dynoxide' });
    const endpoint = { ...named, DYNAMODB_ENDPOINT: 'http://127.0.0.1:8000' };
    expect(findEngine({ ...search, environment: endpoint })).toEqual({
      type: 'endpoint',
      endpoint: 'http://127.0.0.1:8000',
      source: 'DYNAMODB_ENDPOINT',
    });
  });
});

describe('startEngine', () => {
  test('leaves a server that runs already alone', async () => {
    const environment = { DYNAMODB_ENDPOINT: 'http://127.0.0.1:8000' };
    const engine = await startEngine({ ...search, environment });
    expect(engine.endpoint).toBe('http://127.0.0.1:8000');
    await engine.stop();
  });

  test('says what went wrong with a program that ends at once, or is not there', async () => {
    const ending = program('bin', 'dynoxide');
    const start = (path: string) => startEngine({ ...search, environment: { DYNOXIDE_BIN: path } });
    await expect(start(ending)).rejects.toThrow(/did not start: ended with 3/);
    await expect(start('/nowhere/dynoxide')).rejects.toThrow(/did not start/);
  });

  test('keeps the data on its file across a restart, and lets two engines share it', async () => {
    const dbPath = join(folder, 'data.db');
    const [key, hash] = [virtualKey(), secretHash('a hash')];
    const first = await startTestEngine(dbPath);
    await dynamoKeyStore(first.store()).create(key, hash);
    const second = await startTestEngine(dbPath);
    expect(await dynamoKeyStore(second.store()).findBySecret(hash)).toEqual({
      key,
      scopes: [],
      purseShards: 1,
    });
    await Promise.all([first.stop(), second.stop()]);
    const third = await startTestEngine(dbPath);
    expect(await dynamoKeyStore(third.store()).findBySecret(hash)).toEqual({
      key,
      scopes: [],
      purseShards: 1,
    });
    await third.stop();
  });

  test('is gone after stop', async () => {
    const engine = await startTestEngine();
    const port = Number(new URL(engine.endpoint).port);
    expect(await answers(port)).toBe(true);
    await engine.stop();
    expect(await answers(port)).toBe(false);
  });

  test('ends when the process that started it is killed', async () => {
    const script = `
      import { startEngine } from ${JSON.stringify(join(PROJECT_ROOT, 'lambda/platform/embedded-engine.ts'))};
      const engine = await startEngine({ environment: process.env, root: ${JSON.stringify(PROJECT_ROOT)},
        platform: process.platform, arch: process.arch });
      console.log(engine.endpoint);
      setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(parent.stdout, 'data');
    const port = Number(new URL(String(line).trim()).port);
    expect(await answers(port)).toBe(true);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    for (let waits = 0; waits < 200 && (await answers(port)); waits++) await sleep(25);
    expect(await answers(port)).toBe(false);
    expect(existsSync(folder)).toBe(true);
  });
});
