import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import type { Telemetry } from '../../ports/telemetry.ts';
import { METRIC_NAMESPACE, METRICS, type MetricName } from '../../schema/metrics.ts';
import { boundedDimensions } from './bounded-dimensions.ts';
import { errorAttributes, requestAttributes } from './request-log.ts';
import { type MetricBlob, requestMetrics } from './request-metrics.ts';

/**
 * Logs and metrics by Powertools, both as JSON lines on stdout: CloudWatch reads the metrics out of the lines that are in
 * the embedded metric format.
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export function powertoolsTelemetry(options: { readonly serviceName: string }): Telemetry {
  const logger = new Logger({ serviceName: options.serviceName });
  const metrics = new Metrics({ namespace: METRIC_NAMESPACE, serviceName: options.serviceName });
  // Powertools would add `service` to every dimension set.
  metrics.clearDefaultDimensions();
  const bound = boundedDimensions();

  const publish = (blob: MetricBlob, requestId?: string): void => {
    metrics.addDimensions({ ...bound(blob.dimensions) });
    if (requestId !== undefined) metrics.addMetadata('requestId', requestId);
    // A blob's values are named by MetricName.
    for (const [name, value] of Object.entries(blob.values))
      metrics.addMetric(name, METRICS[name as MetricName].unit, value);
    metrics.publishStoredMetrics();
  };

  return {
    request(facts, outcome) {
      logger.info('request', { ...requestAttributes(facts, outcome) });
      for (const blob of requestMetrics(outcome, facts.operation)) publish(blob, facts.id);
    },
    rejected(event) {
      logger.info('rejected', {
        'sluice.request_id': event.requestId,
        'http.request.method': event.method,
        'url.path': event.path.slice(0, 256),
        'http.response.status_code': event.status,
        'error.type': event.code,
      });
    },
    measure({ name, value, dimensions = {} }) {
      if (!Object.hasOwn(METRICS, name)) throw new RangeError(`The metric ${name} is not in the schema.`);
      publish({ dimensions, values: { [name]: value } });
    },
    problem(message, error, fields = {}) {
      logger.error(
        message,
        error === undefined ? { ...fields } : { ...fields, error: errorAttributes(error) },
      );
    },
    flush: () => new Promise((resolve) => process.stdout.write('', () => resolve())),
  };
}
