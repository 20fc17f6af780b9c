import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import {
  boundaryOf,
  contentTypeOfForm,
  editMultipart,
  readMultipart,
} from '../../lambda/domain/multipart.ts';

const BOUNDARY = 'b0undary';
const bytes = fc
  .uint8Array({ maxLength: 200 })
  .map((array) => Buffer.from(array).toString('latin1'))
  .filter((text) => !text.includes(BOUNDARY));
const name = fc.stringMatching(/^[a-z][a-z_]{0,10}$/).filter((one) => one !== 'model');
const part = (head: string, content: string): string =>
  `--${BOUNDARY}\r\nContent-Disposition: form-data; ${head}\r\n\r\n${content}\r\n`;
const parts = fc.array(
  fc.tuple(name, bytes, fc.boolean()).map(([field, content, isFile]) => ({ field, content, isFile })),
  { maxLength: 6 },
);
const formOf = (
  list: readonly { field: string; content: string; isFile: boolean }[],
  model: string,
): string =>
  [
    ...list.map(({ field, content, isFile }) =>
      part(`name="${field}"${isFile ? '; filename="f"' : ''}`, content),
    ),
    part('name="model"', model),
    `--${BOUNDARY}--\r\n`,
  ].join('');
const CONTENT_TYPE = `multipart/form-data; boundary=${BOUNDARY}`;

test('every part of a form is read with its own bytes', () => {
  const property = fc.property(parts, (list) => {
    const read = readMultipart(formOf(list, 'm'), CONTENT_TYPE);
    expect(read.map(({ name: field, content }) => [field, content])).toEqual([
      ...list.map(({ field, content }) => [field, content]),
      ['model', 'm'],
    ]);
  });
  fc.assert(property);
});

test('setting one field changes no other byte', () => {
  const property = fc.property(parts, fc.string(), (list, model) => {
    const edited = editMultipart(formOf(list, 'before'), { set: { model }, remove: [] });
    expect(edited).toBe(formOf(list, Buffer.from(model).toString('latin1')));
  });
  fc.assert(property);
});

test('leaving a field out takes all of it', () => {
  const property = fc.property(parts, name, (list, gone) => {
    const edited = editMultipart(formOf(list, 'm'), { set: {}, remove: [gone] });
    expect(edited).toBe(
      formOf(
        list.filter(({ field }) => field !== gone),
        'm',
      ),
    );
  });
  fc.assert(property);
});

test.each([
  ['name=file; filename=a.mp3', 'a.mp3'],
  ['name="file"; filename*=utf-8\'\'%C3%A4.mp3', ''],
  ['name="file"; filename="ä.mp3"', 'ä.mp3'],
  ['name="file"', undefined],
])('%s names a file %s', (head, fileName) => {
  const [read] = readMultipart(`${part(head, 'x')}--${BOUNDARY}--`, CONTENT_TYPE);
  expect(read).toMatchObject({ name: 'file', fileName });
});

test('a form of megabytes is read in no time', () => {
  const dashes = '\r\n--b0undar'.repeat(500_000);
  const startedMs = performance.now();
  expect(
    readMultipart(formOf([{ field: 'file', content: dashes, isFile: true }], 'm'), CONTENT_TYPE),
  ).toHaveLength(2);
  expect(performance.now() - startedMs).toBeLessThan(1_000);
});

test.each([
  ['multipart/form-data; boundary=abc', 'abc'],
  ['multipart/form-data; charset=utf-8; boundary="a b"', 'a b'],
  ['Multipart/Form-Data;boundary=----x', '----x'],
  ['multipart/form-data', undefined],
  ['application/json; boundary=abc', undefined],
])('the boundary of %s is %s', (contentType, boundary) => {
  expect(boundaryOf(contentType)).toBe(boundary);
});

test('the boundary that is handed on is the one at the beginning', () => {
  expect(boundaryOf(contentTypeOfForm(formOf([], 'm')))).toBe(BOUNDARY);
});
