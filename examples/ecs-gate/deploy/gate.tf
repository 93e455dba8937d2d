# The functions that decide which images run on Amazon ECS - lifecycle hook, pause hooks, task events, registrar - with their roles, rules
# and alarms. It makes what gate.yaml makes with AWS CloudFormation.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.0"
    }
  }
}

variable "zip" {
  type        = string
  description = "The zip that lambdazip writes"
}

variable "architecture" {
  type        = string
  default     = "arm64"
  description = "arm64 or x86_64, as the zip was built"
}

variable "signing_profiles" {
  type        = list(string)
  description = "ARNs of AWS Signer's profiles whose signatures count"
}

variable "mode" {
  type        = string
  default     = "audit"
  description = "What becomes of a refusal: audit, warn or enforce. Begin with audit: nothing is stopped, and the log says what would be"

  validation {
    condition     = contains(["audit", "warn", "enforce"], var.mode)
    error_message = "mode is audit, warn or enforce."
  }
}

variable "cluster" {
  type        = string
  default     = "*"
  description = "Name of the cluster that the functions may look into and act in; * may stand in it"
}

variable "stop_in" {
  type        = list(string)
  default     = []
  description = "Names of the clusters in which task events may stop something; none means nowhere"
}

variable "family" {
  type        = string
  default     = "gated-"
  description = "What the names of gated task definitions begin with"

  validation {
    condition     = can(regex("^[a-zA-Z0-9][a-zA-Z0-9_-]*[_-]$", var.family))
    error_message = "family ends with - or _, so that no other name begins with it."
  }
}

variable "task_roles" {
  type        = string
  default     = "task-*"
  description = "Names of the task and execution roles that task definitions may have; * may stand in it"
}

variable "repositories" {
  type        = string
  default     = "*"
  description = "Names of the repositories that are read; * may stand in it"
}

variable "alarm_topic" {
  type        = string
  default     = ""
  description = "ARN of an Amazon SNS topic that the alarms go to; empty means that they only show"
}

data "aws_caller_identity" "this" {}
data "aws_partition" "this" {}
data "aws_region" "this" {}

locals {
  account   = data.aws_caller_identity.this.account_id
  partition = data.aws_partition.this.partition
  region    = data.aws_region.this.region
  ecs       = "arn:${local.partition}:ecs:${local.region}:${local.account}"
  logs      = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:/aws/lambda"
  signer    = "arn:${local.partition}:signer:*:${local.account}"

  trust_lambda = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Lambda"
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
  evidence = {
    Sid      = "Evidence"
    Effect   = "Allow"
    Action   = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    Resource = "arn:${local.partition}:ecr:*:${local.account}:repository/${var.repositories}"
  }
  revocation = {
    Sid      = "Revocation"
    Effect   = "Allow"
    Action   = "signer:GetRevocationStatus"
    Resource = ["${local.signer}:/signing-jobs/*", "${local.signer}:/signing-profiles/*"]
  }
  services = [
    "${local.ecs}:service/${var.cluster}/*",
    "${local.ecs}:service-deployment/${var.cluster}/*",
    "${local.ecs}:service-revision/${var.cluster}/*",
  ]
  definitions = ["${local.ecs}:task-definition/${var.family}*", "${local.ecs}:daemon-task-definition/${var.family}*"]

  alarm_actions = var.alarm_topic == "" ? [] : [var.alarm_topic]
}

# The lifecycle hook. ECS calls it before the tasks of a deployment start.
resource "aws_cloudwatch_log_group" "hook" {
  name              = "/aws/lambda/lading-hook"
  retention_in_days = 365
}

resource "aws_iam_role" "hook" {
  name               = "lading-hook"
  description        = "What the lifecycle hook may do"
  assume_role_policy = local.trust_lambda
}

resource "aws_iam_role_policy" "hook" {
  name = "hook"
  role = aws_iam_role.hook.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Deployment"
        Effect   = "Allow"
        Action   = ["ecs:DescribeServiceDeployments", "ecs:DescribeServiceRevisions", "ecs:DescribeServices"]
        Resource = local.services
      },
      {
        Sid      = "NoResource"
        Effect   = "Allow"
        Action   = ["ecr:GetAuthorizationToken", "ecs:DescribeTaskDefinition"]
        Resource = "*"
      },
      local.evidence,
      local.revocation,
      {
        Sid      = "Log"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${local.logs}/lading-hook:*"
      },
    ]
  })
}

resource "aws_lambda_function" "hook" {
  function_name    = "lading-hook"
  description      = "Decides on service deployments before their tasks start"
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = [var.architecture]
  memory_size      = 256
  timeout          = 60
  role             = aws_iam_role.hook.arn
  filename         = var.zip
  source_code_hash = filebase64sha256(var.zip)

  environment {
    variables = {
      DOOR             = "hook"
      GOGC             = "400"
      MODE             = var.mode
      SIGNING_PROFILES = join(",", var.signing_profiles)
    }
  }

  depends_on = [aws_cloudwatch_log_group.hook, aws_iam_role_policy.hook]
}

# The role with which ECS calls the hook: role_arn in the service's lifecycle_hook.
resource "aws_iam_role" "hook_invoker" {
  name        = "lading-hook-invoker"
  description = "Amazon ECS calls the lifecycle hook as this role"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "ECS"
      Effect    = "Allow"
      Principal = { Service = "ecs.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_iam_role_policy" "hook_invoker" {
  name = "invoke"
  role = aws_iam_role.hook_invoker.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "Invoke"
      Effect   = "Allow"
      Action   = "lambda:InvokeFunction"
      Resource = "arn:${local.partition}:lambda:${local.region}:${local.account}:function:lading-hook"
    }]
  })
}

# Pause hooks: a deployment waits for this function's answer, of a rolling service too. It does nothing where no service has one.
resource "aws_cloudwatch_log_group" "pauses" {
  name              = "/aws/lambda/lading-pauses"
  retention_in_days = 365
}

resource "aws_iam_role" "pauses" {
  name               = "lading-pauses"
  description        = "What the function for pause hooks may do"
  assume_role_policy = local.trust_lambda
}

resource "aws_iam_role_policy" "pauses" {
  name = "pauses"
  role = aws_iam_role.pauses.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Deployment"
        Effect   = "Allow"
        Action   = ["ecs:DescribeServiceDeployments", "ecs:DescribeServiceRevisions", "ecs:DescribeServices"]
        Resource = local.services
      },
      {
        Sid      = "Answer"
        Effect   = "Allow"
        Action   = "ecs:ContinueServiceDeployment"
        Resource = ["${local.ecs}:service/${var.cluster}/*", "${local.ecs}:service-deployment/${var.cluster}/*"]
      },
      {
        Sid      = "NoResource"
        Effect   = "Allow"
        Action   = ["ecr:GetAuthorizationToken", "ecs:DescribeTaskDefinition"]
        Resource = "*"
      },
      local.evidence,
      local.revocation,
      {
        Sid      = "Unhandled"
        Effect   = "Allow"
        Action   = "sqs:SendMessage"
        Resource = "arn:${local.partition}:sqs:${local.region}:${local.account}:lading-unhandled"
      },
      {
        Sid      = "Log"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${local.logs}/lading-pauses:*"
      },
    ]
  })
}

resource "aws_lambda_function" "pauses" {
  function_name    = "lading-pauses"
  description      = "Answers pause hooks of service deployments"
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = [var.architecture]
  memory_size      = 256
  timeout          = 60
  role             = aws_iam_role.pauses.arn
  filename         = var.zip
  source_code_hash = filebase64sha256(var.zip)

  dead_letter_config {
    target_arn = aws_sqs_queue.unhandled.arn
  }

  environment {
    variables = {
      DOOR             = "pauses"
      GOGC             = "400"
      MODE             = var.mode
      SIGNING_PROFILES = join(",", var.signing_profiles)
    }
  }

  depends_on = [aws_cloudwatch_log_group.pauses, aws_iam_role_policy.pauses]
}

resource "aws_cloudwatch_event_rule" "pauses" {
  name        = "lading-pauses"
  description = "Deployments that wait for an answer"
  state       = "ENABLED"
  event_pattern = jsonencode({
    source      = ["aws.ecs"]
    detail-type = ["ECS Hook State Change"]
    detail      = { eventName = ["HOOK_AWAITING_ACTION"] }
  })
}

resource "aws_cloudwatch_event_target" "pauses" {
  target_id = "pauses"
  rule      = aws_cloudwatch_event_rule.pauses.name
  arn       = aws_lambda_function.pauses.arn

  dead_letter_config {
    arn = aws_sqs_queue.unhandled.arn
  }

  retry_policy {
    maximum_event_age_in_seconds = 3600
    maximum_retry_attempts       = 20
  }
}

resource "aws_lambda_permission" "pauses" {
  statement_id  = "rule"
  function_name = aws_lambda_function.pauses.function_name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.pauses.arn
}

# Task events: what runs although no hook was asked - RunTask, StartTask, Express, daemons - is found and undone.
resource "aws_cloudwatch_log_group" "task_events" {
  name              = "/aws/lambda/lading-task-events"
  retention_in_days = 365
}

resource "aws_iam_role" "task_events" {
  name               = "lading-task-events"
  description        = "What the function for task events may do"
  assume_role_policy = local.trust_lambda
}

resource "aws_iam_role_policy" "task_events" {
  name = "task-events"
  role = aws_iam_role.task_events.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "Look"
        Effect = "Allow"
        Action = [
          "ecs:DescribeDaemon",
          "ecs:DescribeDaemonDeployments",
          "ecs:DescribeDaemonRevisions",
          "ecs:DescribeServiceDeployments",
          "ecs:DescribeServiceRevisions",
          "ecs:DescribeServices",
          "ecs:DescribeTasks",
          "ecs:ListServiceDeployments",
        ]
        Resource = [
          "${local.ecs}:daemon/${var.cluster}/*",
          "${local.ecs}:daemon-deployment/${var.cluster}/*",
          "${local.ecs}:daemon-revision/${var.cluster}/*",
          "${local.ecs}:service/${var.cluster}/*",
          "${local.ecs}:service-deployment/${var.cluster}/*",
          "${local.ecs}:service-revision/${var.cluster}/*",
          "${local.ecs}:task/${var.cluster}/*",
        ]
      },
      {
        Sid    = "Undo"
        Effect = "Allow"
        Action = [
          "ecs:DeleteDaemon",
          "ecs:DeleteExpressGatewayService",
          "ecs:DeleteTaskSet",
          "ecs:StopServiceDeployment",
          "ecs:StopTask",
          "ecs:UpdateDaemon",
          "ecs:UpdateExpressGatewayService",
          "ecs:UpdateService",
        ]
        Resource = [
          "${local.ecs}:daemon/${var.cluster}/*",
          "${local.ecs}:service/${var.cluster}/*",
          "${local.ecs}:service-deployment/${var.cluster}/*",
          "${local.ecs}:task/${var.cluster}/*",
          "${local.ecs}:task-set/${var.cluster}/*",
        ]
      },
      {
        Sid      = "NoResource"
        Effect   = "Allow"
        Action   = ["ecr:GetAuthorizationToken", "ecs:DeregisterTaskDefinition", "ecs:DescribeTaskDefinition"]
        Resource = "*"
      },
      local.evidence,
      local.revocation,
      {
        Sid      = "Unhandled"
        Effect   = "Allow"
        Action   = "sqs:SendMessage"
        Resource = "arn:${local.partition}:sqs:${local.region}:${local.account}:lading-unhandled"
      },
      {
        Sid      = "Log"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${local.logs}/lading-task-events:*"
      },
    ]
  })
}

resource "aws_lambda_function" "task_events" {
  function_name    = "lading-task-events"
  description      = "Decides on what runs, and undoes what should not"
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = [var.architecture]
  memory_size      = 256
  timeout          = 60
  role             = aws_iam_role.task_events.arn
  filename         = var.zip
  source_code_hash = filebase64sha256(var.zip)

  dead_letter_config {
    target_arn = aws_sqs_queue.unhandled.arn
  }

  environment {
    variables = {
      DOOR             = "task-events"
      GOGC             = "400"
      MODE             = var.mode
      SIGNING_PROFILES = join(",", var.signing_profiles)
      STOP_IN          = join(",", var.stop_in)
    }
  }

  depends_on = [aws_cloudwatch_log_group.task_events, aws_iam_role_policy.task_events]
}

resource "aws_cloudwatch_event_rule" "task_events" {
  name        = "lading-task-events"
  description = "Tasks that are about to run, daemons, and who called"
  state       = "ENABLED"
  event_pattern = jsonencode({
    source = ["aws.ecs"]
    "$or" = [
      { detail-type = ["ECS Task State Change"], detail = { desiredStatus = ["RUNNING"] } },
      { detail-type = ["ECS Daemon Deployment State Change"] },
      {
        detail-type = ["AWS API Call via CloudTrail"]
        detail = {
          eventName = [
            "CreateDaemon", "CreateExpressGatewayService", "CreateService", "RunTask", "StartTask", "UpdateDaemon",
            "UpdateExpressGatewayService", "UpdateService",
          ]
        }
      },
    ]
  })
}

resource "aws_cloudwatch_event_target" "task_events" {
  target_id = "task-events"
  rule      = aws_cloudwatch_event_rule.task_events.name
  arn       = aws_lambda_function.task_events.arn

  dead_letter_config {
    arn = aws_sqs_queue.unhandled.arn
  }

  retry_policy {
    maximum_event_age_in_seconds = 3600
    maximum_retry_attempts       = 20
  }
}

resource "aws_lambda_permission" "task_events" {
  statement_id  = "rule"
  function_name = aws_lambda_function.task_events.function_name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.task_events.arn
}

# Events that were not handled, by the rule's or the function's fault. An alarm watches it; the messages are the events.
resource "aws_sqs_queue" "unhandled" {
  name                      = "lading-unhandled"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue_policy" "unhandled" {
  queue_url = aws_sqs_queue.unhandled.url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Rule"
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.unhandled.arn
      Condition = { ArnEquals = { "aws:SourceArn" = [aws_cloudwatch_event_rule.pauses.arn, aws_cloudwatch_event_rule.task_events.arn] } }
    }]
  })
}

# The registrar: who deploys proposes a task definition, and it registers the one with digests.
resource "aws_cloudwatch_log_group" "registrar" {
  name              = "/aws/lambda/lading-registrar"
  retention_in_days = 365
}

resource "aws_iam_role" "registrar" {
  name               = "lading-registrar"
  description        = "The only role that registers gated task definitions"
  assume_role_policy = local.trust_lambda
}

resource "aws_iam_role_policy" "registrar" {
  name = "registrar"
  role = aws_iam_role.registrar.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Register"
        Effect   = "Allow"
        Action   = ["ecs:RegisterDaemonTaskDefinition", "ecs:RegisterTaskDefinition"]
        Resource = local.definitions
      },
      {
        Sid       = "Label"
        Effect    = "Allow"
        Action    = "ecs:TagResource"
        Resource  = local.definitions
        Condition = { StringEquals = { "ecs:CreateAction" = ["RegisterDaemonTaskDefinition", "RegisterTaskDefinition"] } }
      },
      {
        Sid       = "Pass"
        Effect    = "Allow"
        Action    = "iam:PassRole"
        Resource  = "arn:${local.partition}:iam::${local.account}:role/${var.task_roles}"
        Condition = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
      },
      {
        Sid      = "Login"
        Effect   = "Allow"
        Action   = "ecr:GetAuthorizationToken"
        Resource = "*"
      },
      local.evidence,
      local.revocation,
      {
        Sid      = "Log"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${local.logs}/lading-registrar:*"
      },
    ]
  })
}

resource "aws_lambda_function" "registrar" {
  function_name    = "lading-registrar"
  description      = "Judges proposed task definitions and registers them by digest"
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = [var.architecture]
  memory_size      = 256
  timeout          = 60
  role             = aws_iam_role.registrar.arn
  filename         = var.zip
  source_code_hash = filebase64sha256(var.zip)

  environment {
    variables = {
      DOOR             = "registrar"
      FAMILY           = var.family
      GOGC             = "400"
      SIGNING_PROFILES = join(",", var.signing_profiles)
    }
  }

  depends_on = [aws_cloudwatch_log_group.registrar, aws_iam_role_policy.registrar]
}

# Decisions as metrics, of the lines that each function writes for each container.
resource "aws_cloudwatch_log_metric_filter" "hook_denied" {
  name           = "lading-hook-denied"
  log_group_name = aws_cloudwatch_log_group.hook.name
  pattern        = "{ $.verdict = \"DENY\" }"

  metric_transformation {
    namespace     = "Lading"
    name          = "HookDenied"
    value         = "1"
    default_value = 0
  }
}

resource "aws_cloudwatch_log_metric_filter" "hook_undecided" {
  name           = "lading-hook-undecided"
  log_group_name = aws_cloudwatch_log_group.hook.name
  pattern        = "{ $.verdict = \"INDETERMINATE\" }"

  metric_transformation {
    namespace     = "Lading"
    name          = "HookUndecided"
    value         = "1"
    default_value = 0
  }
}

resource "aws_cloudwatch_log_metric_filter" "pauses_denied" {
  name           = "lading-pauses-denied"
  log_group_name = aws_cloudwatch_log_group.pauses.name
  pattern        = "{ $.verdict = \"DENY\" }"

  metric_transformation {
    namespace     = "Lading"
    name          = "HookDenied"
    value         = "1"
    default_value = 0
  }
}

resource "aws_cloudwatch_log_metric_filter" "pauses_undecided" {
  name           = "lading-pauses-undecided"
  log_group_name = aws_cloudwatch_log_group.pauses.name
  pattern        = "{ $.verdict = \"INDETERMINATE\" }"

  metric_transformation {
    namespace     = "Lading"
    name          = "HookUndecided"
    value         = "1"
    default_value = 0
  }
}

resource "aws_cloudwatch_log_metric_filter" "task_events_denied" {
  name           = "lading-task-events-denied"
  log_group_name = aws_cloudwatch_log_group.task_events.name
  pattern        = "{ $.verdict = \"DENY\" }"

  metric_transformation {
    namespace     = "Lading"
    name          = "TaskEventsDenied"
    value         = "1"
    default_value = 0
  }
}

resource "aws_cloudwatch_log_metric_filter" "task_events_undecided" {
  name           = "lading-task-events-undecided"
  log_group_name = aws_cloudwatch_log_group.task_events.name
  pattern        = "{ $.verdict = \"INDETERMINATE\" }"

  metric_transformation {
    namespace     = "Lading"
    name          = "TaskEventsUndecided"
    value         = "1"
    default_value = 0
  }
}

resource "aws_cloudwatch_metric_alarm" "hook_denied" {
  alarm_name          = "lading-hook-denied"
  alarm_description   = "A deployment was refused, or would be. The hook's log says which image, and why"
  namespace           = "Lading"
  metric_name         = "HookDenied"
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "hook_undecided" {
  alarm_name          = "lading-hook-undecided"
  alarm_description   = "The hook could not look at an image or its signatures"
  namespace           = "Lading"
  metric_name         = "HookUndecided"
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "task_events_denied" {
  alarm_name          = "lading-task-events-denied"
  alarm_description   = "Something ran around the hook and the registrar"
  namespace           = "Lading"
  metric_name         = "TaskEventsDenied"
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "task_events_undecided" {
  alarm_name          = "lading-task-events-undecided"
  alarm_description   = "What runs could not be judged for a quarter of an hour"
  namespace           = "Lading"
  metric_name         = "TaskEventsUndecided"
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 3
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "unhandled" {
  alarm_name          = "lading-unhandled"
  alarm_description   = "A task event was not handled; it waits in the queue lading-unhandled"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.unhandled.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "hook_errors" {
  alarm_name          = "lading-hook-errors"
  alarm_description   = "The hook failed or was throttled, so ECS rolls deployments back without a reason"
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions

  metric_query {
    id          = "all"
    expression  = "FILL(errors, 0) + FILL(throttles, 0)"
    label       = "errors and throttles"
    return_data = true
  }

  metric_query {
    id = "errors"

    metric {
      namespace   = "AWS/Lambda"
      metric_name = "Errors"
      dimensions  = { FunctionName = aws_lambda_function.hook.function_name }
      period      = 300
      stat        = "Sum"
    }
  }

  metric_query {
    id = "throttles"

    metric {
      namespace   = "AWS/Lambda"
      metric_name = "Throttles"
      dimensions  = { FunctionName = aws_lambda_function.hook.function_name }
      period      = 300
      stat        = "Sum"
    }
  }
}

output "hook_function" {
  value       = aws_lambda_function.hook.arn
  description = "hook_target_arn of the lifecycle hook"
}

output "hook_invoker_role" {
  value       = aws_iam_role.hook_invoker.arn
  description = "role_arn of the lifecycle hook"
}

output "registrar_function" {
  value = aws_lambda_function.registrar.arn
}

output "registrar_role" {
  value       = aws_iam_role.registrar.arn
  description = "Registrar of the policies"
}

output "pauses_role" {
  value       = aws_iam_role.pauses.arn
  description = "Pauses of the policies"
}

output "task_events_role" {
  value       = aws_iam_role.task_events.arn
  description = "TaskEvents of the policies"
}
