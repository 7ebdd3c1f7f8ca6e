BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('b7e2c1a4d9f3');
CREATE TABLE assessments (
	assessment_id VARCHAR(50) NOT NULL, 
	trace_id VARCHAR(50) NOT NULL, 
	name VARCHAR(250) NOT NULL, 
	assessment_type VARCHAR(20) NOT NULL, 
	value TEXT NOT NULL, 
	error TEXT, 
	created_timestamp BIGINT NOT NULL, 
	last_updated_timestamp BIGINT NOT NULL, 
	source_type VARCHAR(50) NOT NULL, 
	source_id VARCHAR(250), 
	run_id VARCHAR(32), 
	span_id VARCHAR(50), 
	rationale TEXT, 
	overrides VARCHAR(50), 
	valid BOOLEAN NOT NULL, 
	assessment_metadata TEXT, 
	CONSTRAINT assessments_pk PRIMARY KEY (assessment_id), 
	CONSTRAINT fk_assessments_trace_id FOREIGN KEY(trace_id) REFERENCES trace_info (request_id) ON DELETE CASCADE
);
CREATE TABLE budget_policies (
	budget_policy_id VARCHAR(36) NOT NULL, 
	budget_unit VARCHAR(32) NOT NULL, 
	budget_amount FLOAT NOT NULL, 
	duration_unit VARCHAR(32) NOT NULL, 
	duration_value INTEGER NOT NULL, 
	target_scope VARCHAR(32) NOT NULL, 
	budget_action VARCHAR(32) NOT NULL, 
	created_by VARCHAR(255), 
	created_at BIGINT NOT NULL, 
	last_updated_by VARCHAR(255), 
	last_updated_at BIGINT NOT NULL, 
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, target_value VARCHAR(255), 
	CONSTRAINT budget_policies_pk PRIMARY KEY (budget_policy_id)
);
CREATE TABLE "datasets" (
	dataset_uuid VARCHAR(36) NOT NULL, 
	experiment_id INTEGER NOT NULL, 
	name VARCHAR(500) NOT NULL, 
	digest VARCHAR(36) NOT NULL, 
	dataset_source_type VARCHAR(36) NOT NULL, 
	dataset_source TEXT NOT NULL, 
	dataset_schema TEXT, 
	dataset_profile TEXT, 
	CONSTRAINT dataset_pk PRIMARY KEY (experiment_id, name, digest), 
	CONSTRAINT fk_datasets_experiment_id_experiments FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id) ON DELETE CASCADE
);
CREATE TABLE endpoint_bindings (
	endpoint_id VARCHAR(36) NOT NULL, 
	resource_type VARCHAR(50) NOT NULL, 
	resource_id VARCHAR(255) NOT NULL, 
	created_at BIGINT NOT NULL, 
	created_by VARCHAR(255), 
	last_updated_at BIGINT NOT NULL, 
	last_updated_by VARCHAR(255), display_name VARCHAR(255), 
	CONSTRAINT endpoint_bindings_pk PRIMARY KEY (endpoint_id, resource_type, resource_id), 
	CONSTRAINT fk_endpoint_bindings_endpoint_id FOREIGN KEY(endpoint_id) REFERENCES endpoints (endpoint_id) ON DELETE CASCADE
);
CREATE TABLE endpoint_model_mappings (
	mapping_id VARCHAR(36) NOT NULL, 
	endpoint_id VARCHAR(36) NOT NULL, 
	model_definition_id VARCHAR(36) NOT NULL, 
	weight FLOAT NOT NULL, 
	created_by VARCHAR(255), 
	created_at BIGINT NOT NULL, linkage_type VARCHAR(64) DEFAULT 'PRIMARY' NOT NULL, fallback_order INTEGER, 
	CONSTRAINT endpoint_model_mappings_pk PRIMARY KEY (mapping_id), 
	CONSTRAINT fk_endpoint_model_mappings_endpoint_id FOREIGN KEY(endpoint_id) REFERENCES endpoints (endpoint_id) ON DELETE CASCADE, 
	CONSTRAINT fk_endpoint_model_mappings_model_definition_id FOREIGN KEY(model_definition_id) REFERENCES model_definitions (model_definition_id)
);
CREATE TABLE endpoint_tags (
	"key" VARCHAR(250) NOT NULL, 
	value VARCHAR(5000), 
	endpoint_id VARCHAR(36) NOT NULL, 
	CONSTRAINT endpoint_tag_pk PRIMARY KEY ("key", endpoint_id), 
	CONSTRAINT fk_endpoint_tags_endpoint_id FOREIGN KEY(endpoint_id) REFERENCES endpoints (endpoint_id) ON DELETE CASCADE
);
CREATE TABLE "endpoints" (
	endpoint_id VARCHAR(36) NOT NULL, 
	name VARCHAR(255), 
	created_by VARCHAR(255), 
	created_at BIGINT NOT NULL, 
	last_updated_by VARCHAR(255), 
	last_updated_at BIGINT NOT NULL, 
	routing_strategy VARCHAR(64), 
	fallback_config_json TEXT, 
	experiment_id INTEGER, 
	usage_tracking BOOLEAN DEFAULT '0' NOT NULL, 
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	CONSTRAINT endpoints_pk PRIMARY KEY (endpoint_id), 
	CONSTRAINT fk_endpoints_experiment_id FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id) ON DELETE SET NULL, 
	CONSTRAINT uq_endpoints_workspace_name UNIQUE (workspace, name)
);
CREATE TABLE entity_associations (
	association_id VARCHAR(36) NOT NULL, 
	source_type VARCHAR(36) NOT NULL, 
	source_id VARCHAR(36) NOT NULL, 
	destination_type VARCHAR(36) NOT NULL, 
	destination_id VARCHAR(36) NOT NULL, 
	created_time BIGINT, 
	CONSTRAINT entity_associations_pk PRIMARY KEY (source_type, source_id, destination_type, destination_id)
);
CREATE TABLE "evaluation_dataset_records" (
	dataset_record_id VARCHAR(36) NOT NULL, 
	dataset_id VARCHAR(36) NOT NULL, 
	inputs JSON NOT NULL, 
	expectations JSON, 
	tags JSON, 
	source JSON, 
	source_id VARCHAR(36), 
	source_type VARCHAR(255), 
	created_time BIGINT, 
	last_update_time BIGINT, 
	created_by VARCHAR(255), 
	last_updated_by VARCHAR(255), 
	input_hash VARCHAR(64) NOT NULL, outputs JSON, 
	CONSTRAINT evaluation_dataset_records_pk PRIMARY KEY (dataset_record_id), 
	CONSTRAINT fk_evaluation_dataset_records_dataset_id FOREIGN KEY(dataset_id) REFERENCES evaluation_datasets (dataset_id) ON DELETE CASCADE, 
	CONSTRAINT unique_dataset_input UNIQUE (dataset_id, input_hash)
);
CREATE TABLE evaluation_dataset_tags (
	dataset_id VARCHAR(36) NOT NULL, 
	"key" VARCHAR(255) NOT NULL, 
	value VARCHAR(5000), 
	CONSTRAINT evaluation_dataset_tags_pk PRIMARY KEY (dataset_id, "key"), 
	CONSTRAINT fk_evaluation_dataset_tags_dataset_id FOREIGN KEY(dataset_id) REFERENCES evaluation_datasets (dataset_id) ON DELETE CASCADE
);
CREATE TABLE "evaluation_datasets" (
	dataset_id VARCHAR(36) NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	schema TEXT, 
	profile TEXT, 
	digest VARCHAR(64), 
	created_time BIGINT, 
	last_update_time BIGINT, 
	created_by VARCHAR(255), 
	last_updated_by VARCHAR(255), 
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	CONSTRAINT evaluation_datasets_pk PRIMARY KEY (dataset_id)
);
CREATE TABLE "experiment_tags" (
	"key" VARCHAR(250) NOT NULL, 
	value TEXT, 
	experiment_id INTEGER NOT NULL, 
	CONSTRAINT experiment_tag_pk PRIMARY KEY ("key", experiment_id), 
	FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id)
);
CREATE TABLE "experiments" (
	experiment_id INTEGER NOT NULL, 
	name VARCHAR(256) NOT NULL, 
	artifact_location VARCHAR(256), 
	lifecycle_stage VARCHAR(32), 
	creation_time BIGINT, 
	last_update_time BIGINT, 
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	CONSTRAINT experiment_pk PRIMARY KEY (experiment_id), 
	CONSTRAINT experiments_lifecycle_stage CHECK (lifecycle_stage IN ('active', 'deleted')), 
	CONSTRAINT uq_experiments_workspace_name UNIQUE (workspace, name)
);
INSERT INTO "experiments" VALUES(0,'Default','/earlier/mlruns/0','active',1795956467696,1795956467696,'default');
INSERT INTO "experiments" VALUES(1,'mtlser/iemocap','file:///earlier/mlruns/mtlser/iemocap','active',1795956467765,1795956467765,'default');
CREATE TABLE guardrail_configs (
	endpoint_id VARCHAR(36) NOT NULL, 
	guardrail_id VARCHAR(36) NOT NULL, 
	execution_order INTEGER, 
	created_by VARCHAR(255), 
	created_at BIGINT NOT NULL, 
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	CONSTRAINT guardrail_configs_pk PRIMARY KEY (endpoint_id, guardrail_id), 
	CONSTRAINT fk_guardrail_configs_endpoint_id FOREIGN KEY(endpoint_id) REFERENCES endpoints (endpoint_id) ON DELETE CASCADE, 
	CONSTRAINT fk_guardrail_configs_guardrail_id FOREIGN KEY(guardrail_id) REFERENCES guardrails (guardrail_id) ON DELETE CASCADE
);
CREATE TABLE guardrails (
	guardrail_id VARCHAR(36) NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	scorer_id VARCHAR(36) NOT NULL, 
	scorer_version INTEGER NOT NULL, 
	stage VARCHAR(32) NOT NULL, 
	action VARCHAR(32) NOT NULL, 
	action_endpoint_id VARCHAR(36), 
	created_by VARCHAR(255), 
	created_at BIGINT NOT NULL, 
	last_updated_by VARCHAR(255), 
	last_updated_at BIGINT NOT NULL, 
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	CONSTRAINT guardrails_pk PRIMARY KEY (guardrail_id), 
	CONSTRAINT fk_guardrails_scorer_version FOREIGN KEY(scorer_id, scorer_version) REFERENCES scorer_versions (scorer_id, scorer_version), 
	CONSTRAINT fk_guardrails_action_endpoint_id FOREIGN KEY(action_endpoint_id) REFERENCES endpoints (endpoint_id) ON DELETE SET NULL
);
CREATE TABLE input_tags (
	input_uuid VARCHAR(36) NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	value VARCHAR(500) NOT NULL, 
	CONSTRAINT input_tags_pk PRIMARY KEY (input_uuid, name)
);
CREATE TABLE inputs (
	input_uuid VARCHAR(36) NOT NULL, 
	source_type VARCHAR(36) NOT NULL, 
	source_id VARCHAR(36) NOT NULL, 
	destination_type VARCHAR(36) NOT NULL, 
	destination_id VARCHAR(36) NOT NULL, step BIGINT DEFAULT '0' NOT NULL, 
	CONSTRAINT inputs_pk PRIMARY KEY (source_type, source_id, destination_type, destination_id)
);
INSERT INTO "inputs" VALUES('b2a34dfe948b4862b1610fe1fb062dfe','RUN_OUTPUT','6d4d3cae5edd45a9a8c1d46cc229c1a8','MODEL_OUTPUT','m-9d88d8736c1f44aeab35cc986e094ab3',0);
INSERT INTO "inputs" VALUES('e8cb89d473c84834b02044cc3c937f85','RUN_OUTPUT','ac5f23baf73c4e1d84f638625f2d5877','MODEL_OUTPUT','m-7bc6e0ebe1e94f24961ddbd33e5cfe4d',0);
CREATE TABLE issues (
	issue_id VARCHAR(36) NOT NULL, 
	experiment_id INTEGER NOT NULL, 
	name VARCHAR(250) NOT NULL, 
	description TEXT NOT NULL, 
	status VARCHAR(50) NOT NULL, 
	severity VARCHAR(50), 
	root_causes TEXT, 
	source_run_id VARCHAR(32), 
	categories TEXT, 
	created_timestamp BIGINT NOT NULL, 
	last_updated_timestamp BIGINT NOT NULL, 
	created_by VARCHAR(255), 
	CONSTRAINT issues_pk PRIMARY KEY (issue_id), 
	CONSTRAINT fk_issues_experiment_id FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id) ON DELETE CASCADE, 
	CONSTRAINT fk_issues_source_run_id FOREIGN KEY(source_run_id) REFERENCES runs (run_uuid) ON DELETE SET NULL
);
CREATE TABLE "jobs" (
	id VARCHAR(36) NOT NULL, 
	creation_time BIGINT NOT NULL, 
	job_name VARCHAR(500) NOT NULL, 
	params TEXT NOT NULL, 
	timeout FLOAT, 
	status INTEGER NOT NULL, 
	result TEXT, 
	retry_count INTEGER NOT NULL, 
	last_update_time BIGINT NOT NULL, 
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, status_details JSON, creator VARCHAR(255), 
	CONSTRAINT jobs_pk PRIMARY KEY (id)
);
CREATE TABLE label_schemas (
	schema_id VARCHAR(36) NOT NULL, 
	experiment_id INTEGER NOT NULL, 
	name VARCHAR(250) NOT NULL, 
	type VARCHAR(16) NOT NULL, 
	instruction TEXT, 
	enable_comment BOOLEAN DEFAULT '0' NOT NULL, 
	input_type VARCHAR(32) NOT NULL, 
	input_config TEXT NOT NULL, 
	created_by VARCHAR(255), 
	created_time BIGINT NOT NULL, 
	last_update_time BIGINT NOT NULL, 
	is_default BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT label_schemas_pk PRIMARY KEY (schema_id), 
	CONSTRAINT fk_label_schemas_experiment_id FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id) ON DELETE CASCADE, 
	CONSTRAINT uq_label_schemas_exp_name UNIQUE (experiment_id, name)
);
CREATE TABLE "latest_metrics" (
	"key" VARCHAR(250) NOT NULL, 
	value FLOAT NOT NULL, 
	timestamp BIGINT, 
	step BIGINT NOT NULL, 
	is_nan BOOLEAN NOT NULL, 
	run_uuid VARCHAR(32) NOT NULL, 
	CONSTRAINT latest_metric_pk PRIMARY KEY ("key", run_uuid), 
	FOREIGN KEY(run_uuid) REFERENCES runs (run_uuid), 
	CHECK (is_nan IN (0, 1))
);
INSERT INTO "latest_metrics" VALUES('folds',6.0,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('utterances',600.0,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('without_transcript',39.0,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('seed',0.0,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('wa_mean',5.73333333333333361458e-01,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('wa_sd',5.98887858172685583202e-02,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('ua_mean',5.72256907611041198968e-01,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('ua_sd',5.65801162141128036187e-02,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('f1_mean',5.7750661789071267016e-01,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('f1_sd',6.1997152720595104236e-02,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('weighted_f1_mean',5.77016358882606938962e-01,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('weighted_f1_sd',6.1397426061145288223e-02,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('wer',3.58543417366946781665e-01,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('wer_mean',3.58658692891655084267e-01,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('wer_sd',1.15394051159045628318e-02,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('cer',3.77971816374167879359e-01,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('cer_mean',3.78357151057769514057e-01,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('cer_sd',1.19260609975048968711e-02,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('speaker_accuracy',9.16666666666666629659e-01,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('speaker_accuracy_mean',9.16666666666666851703e-01,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('speaker_accuracy_sd',7.52772652709080836164e-02,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('wa_speakers_low',5.29031990584710842817e-01,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('wa_speakers_high',6.21761658031088071396e-01,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('ua_speakers_low',5.28222543974901870278e-01,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('ua_speakers_high',6.21916078416417494878e-01,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('calibration_error',1.47056173753983887575e-01,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('improvised_wa',5.92833876221498412562e-01,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('improvised_ua',5.93791025780273096223e-01,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('scripted_wa',0.552901023890785,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('scripted_ua',5.5418158575112663744e-01,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('validation_wa_mean',5.78333333333333365899e-01,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('validation_ua_mean',5.78531749406235751287e-01,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('validation_f1_mean',5.81239529897132345404e-01,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('validation_weighted_f1_mean',5.81915457327020102518e-01,1795956475381,0,0,'6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "latest_metrics" VALUES('test_clean_wa',0.56,1795956469333,0,0,'88ec6ec3c40847c3a4673fabb2fa35da');
INSERT INTO "latest_metrics" VALUES('test_clean_ua',5.6084529505582136899e-01,1795956469333,0,0,'88ec6ec3c40847c3a4673fabb2fa35da');
INSERT INTO "latest_metrics" VALUES('test_clean_macro_f1',5.66991707616707585337e-01,1795956469333,0,0,'88ec6ec3c40847c3a4673fabb2fa35da');
INSERT INTO "latest_metrics" VALUES('test_clean_weighted_f1',5.61643120393120365285e-01,1795956469333,0,0,'88ec6ec3c40847c3a4673fabb2fa35da');
INSERT INTO "latest_metrics" VALUES('test_clean_wer',3.62318840579710144123e-01,1795956469333,0,0,'88ec6ec3c40847c3a4673fabb2fa35da');
INSERT INTO "latest_metrics" VALUES('test_clean_cer',0.380539989811513,1795956469333,0,0,'88ec6ec3c40847c3a4673fabb2fa35da');
INSERT INTO "latest_metrics" VALUES('test_clean_without_transcript',5.0,1795956469333,0,0,'88ec6ec3c40847c3a4673fabb2fa35da');
INSERT INTO "latest_metrics" VALUES('test_clean_calibration_error',1.8186564617981315628e-01,1795956469333,0,0,'88ec6ec3c40847c3a4673fabb2fa35da');
INSERT INTO "latest_metrics" VALUES('speaker_accuracy',0.8,1795956469333,0,0,'88ec6ec3c40847c3a4673fabb2fa35da');
INSERT INTO "latest_metrics" VALUES('test_clean_wa',0.61,1795956469633,0,0,'3db8ee784daf4900b8e4779be7bb8561');
INSERT INTO "latest_metrics" VALUES('test_clean_ua',6.03571428571428536535e-01,1795956469633,0,0,'3db8ee784daf4900b8e4779be7bb8561');
INSERT INTO "latest_metrics" VALUES('test_clean_macro_f1',6.06624828672875815449e-01,1795956469633,0,0,'3db8ee784daf4900b8e4779be7bb8561');
INSERT INTO "latest_metrics" VALUES('test_clean_weighted_f1',6.12968195210395139227e-01,1795956469633,0,0,'3db8ee784daf4900b8e4779be7bb8561');
INSERT INTO "latest_metrics" VALUES('test_clean_wer',3.60323886639676127519e-01,1795956469633,0,0,'3db8ee784daf4900b8e4779be7bb8561');
INSERT INTO "latest_metrics" VALUES('test_clean_cer',3.83291139240506339991e-01,1795956469633,0,0,'3db8ee784daf4900b8e4779be7bb8561');
INSERT INTO "latest_metrics" VALUES('test_clean_without_transcript',4.0,1795956469633,0,0,'3db8ee784daf4900b8e4779be7bb8561');
INSERT INTO "latest_metrics" VALUES('test_clean_calibration_error',1.48747867490432256198e-01,1795956469633,0,0,'3db8ee784daf4900b8e4779be7bb8561');
INSERT INTO "latest_metrics" VALUES('speaker_accuracy',0.9,1795956469633,0,0,'3db8ee784daf4900b8e4779be7bb8561');
INSERT INTO "latest_metrics" VALUES('test_clean_wa',0.56,1795956469868,0,0,'f96b8bccbe2c4d2fa86927119764ed3c');
INSERT INTO "latest_metrics" VALUES('test_clean_ua',5.54436090225563837918e-01,1795956469868,0,0,'f96b8bccbe2c4d2fa86927119764ed3c');
INSERT INTO "latest_metrics" VALUES('test_clean_macro_f1',5.58709414940065096644e-01,1795956469868,0,0,'f96b8bccbe2c4d2fa86927119764ed3c');
INSERT INTO "latest_metrics" VALUES('test_clean_weighted_f1',5.60848416289592810457e-01,1795956469868,0,0,'f96b8bccbe2c4d2fa86927119764ed3c');
INSERT INTO "latest_metrics" VALUES('test_clean_wer',3.7861915367483295336e-01,1795956469868,0,0,'f96b8bccbe2c4d2fa86927119764ed3c');
INSERT INTO "latest_metrics" VALUES('test_clean_cer',3.95718990120746405558e-01,1795956469868,0,0,'f96b8bccbe2c4d2fa86927119764ed3c');
INSERT INTO "latest_metrics" VALUES('test_clean_without_transcript',9.0,1795956469868,0,0,'f96b8bccbe2c4d2fa86927119764ed3c');
INSERT INTO "latest_metrics" VALUES('test_clean_calibration_error',1.54106648689185388167e-01,1795956469868,0,0,'f96b8bccbe2c4d2fa86927119764ed3c');
INSERT INTO "latest_metrics" VALUES('speaker_accuracy',1.0,1795956469868,0,0,'f96b8bccbe2c4d2fa86927119764ed3c');
INSERT INTO "latest_metrics" VALUES('test_clean_wa',0.48,1795956470106,0,0,'a321c2b551054c4f96b978e4315b985a');
INSERT INTO "latest_metrics" VALUES('test_clean_ua',4.92045315574727304408e-01,1795956470106,0,0,'a321c2b551054c4f96b978e4315b985a');
INSERT INTO "latest_metrics" VALUES('test_clean_macro_f1',4.88326498120206953235e-01,1795956470106,0,0,'a321c2b551054c4f96b978e4315b985a');
INSERT INTO "latest_metrics" VALUES('test_clean_weighted_f1',4.83436251238088754433e-01,1795956470106,0,0,'a321c2b551054c4f96b978e4315b985a');
INSERT INTO "latest_metrics" VALUES('test_clean_wer',3.4549356223175964331e-01,1795956470106,0,0,'a321c2b551054c4f96b978e4315b985a');
INSERT INTO "latest_metrics" VALUES('test_clean_cer',3.66612989801395616762e-01,1795956470106,0,0,'a321c2b551054c4f96b978e4315b985a');
INSERT INTO "latest_metrics" VALUES('test_clean_without_transcript',8.0,1795956470106,0,0,'a321c2b551054c4f96b978e4315b985a');
INSERT INTO "latest_metrics" VALUES('test_clean_calibration_error',2.74299766421133961458e-01,1795956470106,0,0,'a321c2b551054c4f96b978e4315b985a');
INSERT INTO "latest_metrics" VALUES('speaker_accuracy',1.0,1795956470106,0,0,'a321c2b551054c4f96b978e4315b985a');
INSERT INTO "latest_metrics" VALUES('test_clean_wa',0.66,1795956470362,0,0,'b8adf2b53dd44ff189ae7bd61373712b');
INSERT INTO "latest_metrics" VALUES('test_clean_ua',6.61780221000610735515e-01,1795956470362,0,0,'b8adf2b53dd44ff189ae7bd61373712b');
INSERT INTO "latest_metrics" VALUES('test_clean_macro_f1',0.676780782548962,1795956470362,0,0,'b8adf2b53dd44ff189ae7bd61373712b');
INSERT INTO "latest_metrics" VALUES('test_clean_weighted_f1',6.68104386592084820151e-01,1795956470362,0,0,'b8adf2b53dd44ff189ae7bd61373712b');
INSERT INTO "latest_metrics" VALUES('test_clean_wer',3.51111111111111096061e-01,1795956470362,0,0,'b8adf2b53dd44ff189ae7bd61373712b');
INSERT INTO "latest_metrics" VALUES('test_clean_cer',3.809788654060066726e-01,1795956470362,0,0,'b8adf2b53dd44ff189ae7bd61373712b');
INSERT INTO "latest_metrics" VALUES('test_clean_without_transcript',10.0,1795956470362,0,0,'b8adf2b53dd44ff189ae7bd61373712b');
INSERT INTO "latest_metrics" VALUES('test_clean_calibration_error',1.66047446128144426946e-01,1795956470362,0,0,'b8adf2b53dd44ff189ae7bd61373712b');
INSERT INTO "latest_metrics" VALUES('speaker_accuracy',0.9,1795956470362,0,0,'b8adf2b53dd44ff189ae7bd61373712b');
INSERT INTO "latest_metrics" VALUES('test_clean_wa',0.57,1795956470660,0,0,'0974a65d538b46edb39a30942d53391d');
INSERT INTO "latest_metrics" VALUES('test_clean_ua',5.60863095238095188399e-01,1795956470660,0,0,'0974a65d538b46edb39a30942d53391d');
INSERT INTO "latest_metrics" VALUES('test_clean_macro_f1',5.67606475445458502626e-01,1795956470660,0,0,'0974a65d538b46edb39a30942d53391d');
INSERT INTO "latest_metrics" VALUES('test_clean_weighted_f1',5.75097783572359855241e-01,1795956470660,0,0,'0974a65d538b46edb39a30942d53391d');
INSERT INTO "latest_metrics" VALUES('test_clean_wer',3.54085603112840485717e-01,1795956470660,0,0,'0974a65d538b46edb39a30942d53391d');
INSERT INTO "latest_metrics" VALUES('test_clean_cer',3.63000931966449225107e-01,1795956470660,0,0,'0974a65d538b46edb39a30942d53391d');
INSERT INTO "latest_metrics" VALUES('test_clean_without_transcript',3.0,1795956470660,0,0,'0974a65d538b46edb39a30942d53391d');
INSERT INTO "latest_metrics" VALUES('test_clean_calibration_error',0.167028297553864,1795956470660,0,0,'0974a65d538b46edb39a30942d53391d');
INSERT INTO "latest_metrics" VALUES('speaker_accuracy',0.9,1795956470660,0,0,'0974a65d538b46edb39a30942d53391d');
INSERT INTO "latest_metrics" VALUES('folds',6.0,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('utterances',600.0,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('without_transcript',39.0,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('seed',0.0,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('wa_mean',8.38333333333333374781e-01,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('wa_sd',4.44597195972564196431e-02,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('ua_mean',8.38312243330834427901e-01,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('ua_sd',3.80344668934156776574e-02,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('f1_mean',8.39185754940909744981e-01,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('f1_sd',0.044601872561582,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('weighted_f1_mean',8.38306841036601135819e-01,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('weighted_f1_sd',4.39282016054284366046e-02,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('wer',5.32212885154061607351e-02,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('wer_mean',5.4173755446997810814e-02,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('wer_sd',2.85875332051037205072e-02,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('cer',5.69724215440477188554e-02,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('cer_mean',5.80304971748985612411e-02,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('cer_sd',2.85976005087616308442e-02,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('speaker_accuracy',9.83333333333333281522e-01,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('speaker_accuracy_mean',9.83333333333333392545e-01,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('speaker_accuracy_sd',4.08248290463862906207e-02,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('wa_speakers_low',8.07624153402353384123e-01,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('wa_speakers_high',8.67671691792294752509e-01,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('ua_speakers_low',8.0458617948704991285e-01,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('ua_speakers_high',8.62107272698649174103e-01,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('calibration_error',1.80845547297296294075e-01,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('improvised_wa',8.30618892508143358277e-01,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('improvised_ua',8.25187218197970917543e-01,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('scripted_wa',8.46416382252559773569e-01,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('scripted_ua',8.44368332521800768475e-01,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('validation_wa_mean',8.56666666666666576368e-01,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('validation_ua_mean',8.54265202967079306795e-01,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('validation_f1_mean',0.855649373756657,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "latest_metrics" VALUES('validation_weighted_f1_mean',8.56796675719346811916e-01,1795956478718,0,0,'ac5f23baf73c4e1d84f638625f2d5877');
CREATE TABLE logged_model_metrics (
	model_id VARCHAR(36) NOT NULL, 
	metric_name VARCHAR(500) NOT NULL, 
	metric_timestamp_ms BIGINT NOT NULL, 
	metric_step BIGINT NOT NULL, 
	metric_value FLOAT, 
	experiment_id INTEGER NOT NULL, 
	run_id VARCHAR(32) NOT NULL, 
	dataset_uuid VARCHAR(36), 
	dataset_name VARCHAR(500), 
	dataset_digest VARCHAR(36), 
	CONSTRAINT logged_model_metrics_pk PRIMARY KEY (model_id, metric_name, metric_timestamp_ms, metric_step, run_id), 
	CONSTRAINT fk_logged_model_metrics_experiment_id FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id), 
	CONSTRAINT fk_logged_model_metrics_model_id FOREIGN KEY(model_id) REFERENCES logged_models (model_id) ON DELETE CASCADE, 
	CONSTRAINT fk_logged_model_metrics_run_id FOREIGN KEY(run_id) REFERENCES runs (run_uuid) ON DELETE CASCADE
);
CREATE TABLE logged_model_params (
	model_id VARCHAR(36) NOT NULL, 
	experiment_id INTEGER NOT NULL, 
	param_key VARCHAR(255) NOT NULL, 
	param_value TEXT NOT NULL, 
	CONSTRAINT logged_model_params_pk PRIMARY KEY (model_id, param_key), 
	CONSTRAINT fk_logged_model_params_experiment_id FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id), 
	CONSTRAINT fk_logged_model_params_model_id FOREIGN KEY(model_id) REFERENCES logged_models (model_id) ON DELETE CASCADE
);
CREATE TABLE logged_model_tags (
	model_id VARCHAR(36) NOT NULL, 
	experiment_id INTEGER NOT NULL, 
	tag_key VARCHAR(255) NOT NULL, 
	tag_value TEXT NOT NULL, 
	CONSTRAINT logged_model_tags_pk PRIMARY KEY (model_id, tag_key), 
	CONSTRAINT fk_logged_model_tags_experiment_id FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id), 
	CONSTRAINT fk_logged_model_tags_model_id FOREIGN KEY(model_id) REFERENCES logged_models (model_id) ON DELETE CASCADE
);
INSERT INTO "logged_model_tags" VALUES('m-9d88d8736c1f44aeab35cc986e094ab3',1,'mlflow.user','root');
INSERT INTO "logged_model_tags" VALUES('m-9d88d8736c1f44aeab35cc986e094ab3',1,'mlflow.source.name','mtlser');
INSERT INTO "logged_model_tags" VALUES('m-9d88d8736c1f44aeab35cc986e094ab3',1,'mlflow.source.type','LOCAL');
INSERT INTO "logged_model_tags" VALUES('m-9d88d8736c1f44aeab35cc986e094ab3',1,'mtlser.model_sha256','f4ba96605881298ffa6795bad9cedb4c67464e47ced1f6de2f8944d6bfde1dfb');
INSERT INTO "logged_model_tags" VALUES('m-9d88d8736c1f44aeab35cc986e094ab3',1,'mlflow.modelVersions','[{"name": "mtlser", "version": 1}]');
INSERT INTO "logged_model_tags" VALUES('m-7bc6e0ebe1e94f24961ddbd33e5cfe4d',1,'mlflow.user','root');
INSERT INTO "logged_model_tags" VALUES('m-7bc6e0ebe1e94f24961ddbd33e5cfe4d',1,'mlflow.source.name','mtlser');
INSERT INTO "logged_model_tags" VALUES('m-7bc6e0ebe1e94f24961ddbd33e5cfe4d',1,'mlflow.source.type','LOCAL');
INSERT INTO "logged_model_tags" VALUES('m-7bc6e0ebe1e94f24961ddbd33e5cfe4d',1,'mtlser.model_sha256','f4ba96605881298ffa6795bad9cedb4c67464e47ced1f6de2f8944d6bfde1dfb');
INSERT INTO "logged_model_tags" VALUES('m-7bc6e0ebe1e94f24961ddbd33e5cfe4d',1,'mlflow.modelVersions','[{"name": "mtlser", "version": 2}]');
CREATE TABLE logged_models (
	model_id VARCHAR(36) NOT NULL, 
	experiment_id INTEGER NOT NULL, 
	name VARCHAR(500) NOT NULL, 
	artifact_location VARCHAR(1000) NOT NULL, 
	creation_timestamp_ms BIGINT NOT NULL, 
	last_updated_timestamp_ms BIGINT NOT NULL, 
	status INTEGER NOT NULL, 
	lifecycle_stage VARCHAR(32), 
	model_type VARCHAR(500), 
	source_run_id VARCHAR(32), 
	status_message VARCHAR(1000), 
	CONSTRAINT logged_models_pk PRIMARY KEY (model_id), 
	CONSTRAINT logged_models_lifecycle_stage_check CHECK (lifecycle_stage IN ('active', 'deleted')), 
	CONSTRAINT fk_logged_models_experiment_id FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id) ON DELETE CASCADE
);
INSERT INTO "logged_models" VALUES('m-9d88d8736c1f44aeab35cc986e094ab3',1,'model','file:///earlier/mlruns/mtlser/iemocap/models/m-9d88d8736c1f44aeab35cc986e094ab3/artifacts',1795956471527,1795956475304,2,'active',NULL,'6d4d3cae5edd45a9a8c1d46cc229c1a8',NULL);
INSERT INTO "logged_models" VALUES('m-7bc6e0ebe1e94f24961ddbd33e5cfe4d',1,'model','file:///earlier/mlruns/mtlser/iemocap/models/m-7bc6e0ebe1e94f24961ddbd33e5cfe4d/artifacts',1795956478410,1795956478683,2,'active',NULL,'ac5f23baf73c4e1d84f638625f2d5877',NULL);
CREATE TABLE mcp_access_endpoints (
	id VARCHAR(36) NOT NULL, 
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	server_name VARCHAR(256) NOT NULL, 
	server_version VARCHAR(128), 
	server_alias VARCHAR(256), 
	url VARCHAR(2048) NOT NULL, 
	transport_type VARCHAR(32) DEFAULT 'streamable-http' NOT NULL, 
	created_by VARCHAR(256), 
	last_updated_by VARCHAR(256), 
	created_at BIGINT NOT NULL, 
	last_updated_at BIGINT NOT NULL, 
	CONSTRAINT mcp_access_endpoints_pk PRIMARY KEY (id), 
	CONSTRAINT mcp_access_endpoints_server_fkey FOREIGN KEY(workspace, server_name) REFERENCES mcp_servers (workspace, name) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE mcp_server_aliases (
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	name VARCHAR(256) NOT NULL, 
	alias VARCHAR(256) NOT NULL, 
	version VARCHAR(128) NOT NULL, 
	CONSTRAINT mcp_server_aliases_pk PRIMARY KEY (workspace, name, alias), 
	CONSTRAINT mcp_server_aliases_server_fkey FOREIGN KEY(workspace, name) REFERENCES mcp_servers (workspace, name) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE mcp_server_tags (
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	name VARCHAR(256) NOT NULL, 
	"key" VARCHAR(250) NOT NULL, 
	value VARCHAR(5000), 
	CONSTRAINT mcp_server_tags_pk PRIMARY KEY (workspace, name, "key"), 
	CONSTRAINT mcp_server_tags_server_fkey FOREIGN KEY(workspace, name) REFERENCES mcp_servers (workspace, name) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE mcp_server_version_tags (
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	name VARCHAR(256) NOT NULL, 
	version VARCHAR(128) NOT NULL, 
	"key" VARCHAR(250) NOT NULL, 
	value VARCHAR(5000), 
	CONSTRAINT mcp_server_version_tags_pk PRIMARY KEY (workspace, name, version, "key"), 
	CONSTRAINT mcp_server_version_tags_version_fkey FOREIGN KEY(workspace, name, version) REFERENCES mcp_server_versions (workspace, name, version) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE mcp_server_versions (
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	name VARCHAR(256) NOT NULL, 
	version VARCHAR(128) NOT NULL, 
	version_major INTEGER NOT NULL, 
	version_minor INTEGER NOT NULL, 
	version_patch INTEGER NOT NULL, 
	version_prerelease_sort_key VARCHAR(512) NOT NULL, 
	server_json JSON NOT NULL, 
	status VARCHAR(20) DEFAULT 'draft' NOT NULL, 
	tools JSON, 
	source VARCHAR(512), 
	connect_options JSON, 
	created_by VARCHAR(256), 
	last_updated_by VARCHAR(256), 
	created_at BIGINT NOT NULL, 
	last_updated_at BIGINT NOT NULL, 
	CONSTRAINT mcp_server_versions_pk PRIMARY KEY (workspace, name, version), 
	CONSTRAINT mcp_server_versions_server_fkey FOREIGN KEY(workspace, name) REFERENCES mcp_servers (workspace, name) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE mcp_servers (
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	name VARCHAR(256) NOT NULL, 
	display_name VARCHAR(256), 
	description TEXT, 
	icons JSON, 
	created_by VARCHAR(256), 
	last_updated_by VARCHAR(256), 
	created_at BIGINT NOT NULL, 
	last_updated_at BIGINT NOT NULL, 
	CONSTRAINT mcp_servers_pk PRIMARY KEY (workspace, name)
);
CREATE TABLE "metrics" (
	"key" VARCHAR(250) NOT NULL, 
	value FLOAT NOT NULL, 
	timestamp BIGINT NOT NULL, 
	run_uuid VARCHAR(32) NOT NULL, 
	step BIGINT DEFAULT '0' NOT NULL, 
	is_nan BOOLEAN DEFAULT '0' NOT NULL, 
	CONSTRAINT metric_pk PRIMARY KEY ("key", timestamp, step, run_uuid, value, is_nan), 
	FOREIGN KEY(run_uuid) REFERENCES runs (run_uuid), 
	CHECK (is_nan IN (0, 1))
);
CREATE TABLE "model_definitions" (
	model_definition_id VARCHAR(36) NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	secret_id VARCHAR(36), 
	provider VARCHAR(64) NOT NULL, 
	model_name VARCHAR(256) NOT NULL, 
	created_by VARCHAR(255), 
	created_at BIGINT NOT NULL, 
	last_updated_by VARCHAR(255), 
	last_updated_at BIGINT NOT NULL, 
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	CONSTRAINT model_definitions_pk PRIMARY KEY (model_definition_id), 
	CONSTRAINT fk_model_definitions_secret_id FOREIGN KEY(secret_id) REFERENCES secrets (secret_id) ON DELETE SET NULL, 
	CONSTRAINT uq_model_definitions_workspace_name UNIQUE (workspace, name)
);
CREATE TABLE "model_version_tags" (
	"key" VARCHAR(250) NOT NULL, 
	value TEXT, 
	name VARCHAR(256) NOT NULL, 
	version INTEGER NOT NULL, 
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	CONSTRAINT model_version_tag_pk PRIMARY KEY (workspace, "key", name, version), 
	CONSTRAINT fk_model_version_tags_model_versions FOREIGN KEY(workspace, name, version) REFERENCES model_versions (workspace, name, version) ON UPDATE CASCADE
);
INSERT INTO "model_version_tags" VALUES('mtlser.model_sha256','f4ba96605881298ffa6795bad9cedb4c67464e47ced1f6de2f8944d6bfde1dfb','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('mtlser.turn','over','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('mtlser.manifest','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('folds','6.0','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('utterances','600.0','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('without_transcript','39.0','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('seed','0.0','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('wa_mean','0.5733333333333334','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('wa_sd','0.05988878581726856','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('ua_mean','0.5722569076110412','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('ua_sd','0.056580116214112804','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('f1_mean','0.5775066178907127','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('f1_sd','0.061997152720595104','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('weighted_f1_mean','0.5770163588826069','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('weighted_f1_sd','0.06139742606114529','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('wer','0.3585434173669468','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('wer_mean','0.3586586928916551','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('wer_sd','0.011539405115904563','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('cer','0.3779718163741679','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('cer_mean','0.3783571510577695','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('cer_sd','0.011926060997504897','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('speaker_accuracy','0.9166666666666666','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('speaker_accuracy_mean','0.9166666666666669','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('speaker_accuracy_sd','0.07527726527090808','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('wa_speakers_low','0.5290319905847108','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('wa_speakers_high','0.6217616580310881','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('ua_speakers_low','0.5282225439749019','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('ua_speakers_high','0.6219160784164175','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('calibration_error','0.1470561737539839','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('improvised_wa','0.5928338762214984','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('improvised_ua','0.5937910257802731','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('scripted_wa','0.552901023890785','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('scripted_ua','0.5541815857511266','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('validation_wa_mean','0.5783333333333334','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('validation_ua_mean','0.5785317494062358','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('validation_f1_mean','0.5812395298971323','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('validation_weighted_f1_mean','0.5819154573270201','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('corpus','iemocap','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('protocol','session','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('leaks','false','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('recipe','made-up','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('recipe_hash','7df8b5bcb8eb','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('mtlser.reason','there was no champion','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('mtlser.gate','{"rule":"not_worse","margin":0.02,"level":0.05,"folds":6,"passes":true,"reason":"there was no champion","tests":[]}','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('mtlser.champion_since','2026-11-29T12:47:57+00:00','mtlser',1,'default');
INSERT INTO "model_version_tags" VALUES('mtlser.model_sha256','f4ba96605881298ffa6795bad9cedb4c67464e47ced1f6de2f8944d6bfde1dfb','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('mtlser.turn','over','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('mtlser.manifest','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('folds','6.0','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('utterances','600.0','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('without_transcript','39.0','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('seed','0.0','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('wa_mean','0.8383333333333334','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('wa_sd','0.04445971959725642','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('ua_mean','0.8383122433308344','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('ua_sd','0.03803446689341568','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('f1_mean','0.8391857549409097','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('f1_sd','0.044601872561582','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('weighted_f1_mean','0.8383068410366011','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('weighted_f1_sd','0.04392820160542844','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('wer','0.05322128851540616','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('wer_mean','0.05417375544699781','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('wer_sd','0.02858753320510372','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('cer','0.05697242154404772','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('cer_mean','0.05803049717489856','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('cer_sd','0.02859760050876163','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('speaker_accuracy','0.9833333333333333','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('speaker_accuracy_mean','0.9833333333333334','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('speaker_accuracy_sd','0.04082482904638629','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('wa_speakers_low','0.8076241534023534','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('wa_speakers_high','0.8676716917922948','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('ua_speakers_low','0.8045861794870499','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('ua_speakers_high','0.8621072726986492','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('calibration_error','0.1808455472972963','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('improvised_wa','0.8306188925081434','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('improvised_ua','0.8251872181979709','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('scripted_wa','0.8464163822525598','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('scripted_ua','0.8443683325218008','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('validation_wa_mean','0.8566666666666666','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('validation_ua_mean','0.8542652029670793','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('validation_f1_mean','0.855649373756657','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('validation_weighted_f1_mean','0.8567966757193468','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('corpus','iemocap','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('protocol','session','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('leaks','false','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('recipe','made-up','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('recipe_hash','6da6409ba3d4','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('mtlser.reason','not worse by the margin 0.02 on 6 folds: ua 0.8383 against 0.5723, a gain of +0.2661, above +0.2132 with 95 % confidence, p = 5.6e-05','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('mtlser.gate','{"rule":"not_worse","margin":0.02,"level":0.05,"folds":6,"passes":true,"reason":"not worse by the margin 0.02 on 6 folds: ua 0.8383 against 0.5723, a gain of +0.2661, above +0.2132 with 95 % confidence, p = 5.6e-05","tests":[{"metric":"ua","better":"higher","challenger":0.8383122433308346,"champion":0.5722569076110412,"gains":[0.30902445507708665,0.22976190476190472,0.27436090225563925,0.27765888060005717,0.19573149932970024,0.30979437229437234],"gain":0.2660553357197934,"low":0.21322061100900214,"high":null,"t":10.909782194959963,"df":5.0,"p":0.00005621766015447863,"p_holm":null,"passes":true,"reading":"ua 0.8383 against 0.5723, a gain of +0.2661, above +0.2132 with 95 % confidence, p = 5.6e-05"}]}','mtlser',2,'default');
INSERT INTO "model_version_tags" VALUES('mtlser.champion_since','2026-11-29T12:48:01+00:00','mtlser',2,'default');
CREATE TABLE "model_versions" (
	name VARCHAR(256) NOT NULL, 
	version INTEGER NOT NULL, 
	creation_time BIGINT, 
	last_updated_time BIGINT, 
	description VARCHAR(5000), 
	user_id VARCHAR(256), 
	current_stage VARCHAR(20), 
	source VARCHAR(500), 
	run_id VARCHAR(32), 
	status VARCHAR(20), 
	status_message VARCHAR(500), 
	run_link VARCHAR(500), 
	storage_location VARCHAR(500), 
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	CONSTRAINT model_version_pk PRIMARY KEY (workspace, name, version), 
	CONSTRAINT fk_model_versions_registered_models FOREIGN KEY(workspace, name) REFERENCES registered_models (workspace, name) ON UPDATE CASCADE
);
INSERT INTO "model_versions" VALUES('mtlser',1,1795956475519,1795956477083,'there was no champion',NULL,'None','models:/m-9d88d8736c1f44aeab35cc986e094ab3','6d4d3cae5edd45a9a8c1d46cc229c1a8','READY',NULL,NULL,'file:///earlier/mlruns/mtlser/iemocap/models/m-9d88d8736c1f44aeab35cc986e094ab3/artifacts','default');
INSERT INTO "model_versions" VALUES('mtlser',2,1795956478871,1795956480931,'not worse by the margin 0.02 on 6 folds: ua 0.8383 against 0.5723, a gain of +0.2661, above +0.2132 with 95 % confidence, p = 5.6e-05',NULL,'None','models:/m-7bc6e0ebe1e94f24961ddbd33e5cfe4d','ac5f23baf73c4e1d84f638625f2d5877','READY',NULL,NULL,'file:///earlier/mlruns/mtlser/iemocap/models/m-7bc6e0ebe1e94f24961ddbd33e5cfe4d/artifacts','default');
CREATE TABLE online_scoring_configs (
	online_scoring_config_id VARCHAR(36) NOT NULL, 
	scorer_id VARCHAR(36) NOT NULL, 
	sample_rate FLOAT NOT NULL, 
	experiment_id INTEGER NOT NULL, 
	filter_string TEXT, 
	CONSTRAINT online_scoring_config_pk PRIMARY KEY (online_scoring_config_id), 
	CONSTRAINT fk_online_scoring_configs_scorer_id FOREIGN KEY(scorer_id) REFERENCES scorers (scorer_id) ON DELETE CASCADE, 
	CONSTRAINT fk_online_scoring_configs_experiment_id FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id)
);
CREATE TABLE "params" (
	"key" VARCHAR(250) NOT NULL, 
	value VARCHAR(8000) NOT NULL, 
	run_uuid VARCHAR(32) NOT NULL, 
	CONSTRAINT param_pk PRIMARY KEY ("key", run_uuid), 
	FOREIGN KEY(run_uuid) REFERENCES runs (run_uuid)
);
INSERT INTO "params" VALUES('name','made-up','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('about','','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('seed','0','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('data.corpus','iemocap','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('data.root','nowhere','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('data.min_duration_s','0.0','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('data.max_duration_s','60.0','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('data.max_faulty','0.01','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('split.protocol','loso','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('split.speaker_check','0.1','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('split.random_folds','10','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('model.encoder','facebook/wav2vec2-base','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('model.layers','last','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('model.trainable','all','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('model.ctc_head','new','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('model.standardise','False','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('model.dropout','0.0','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('train.alpha','0.1','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('train.beta','0.8','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('train.epochs','100','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('train.patience','10','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('train.optimizer','adam','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('train.learning_rate','1e-05','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('train.weight_decay','0.0','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('train.layer_decay','1.0','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('train.batch_size','8','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('train.bucket_s','60.0','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('train.schedule','constant','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('train.warmup','0.0','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('train.precision','fp32','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('train.gradient_checkpointing','False','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('train.deterministic','False','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('train.spec_augment','False','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('train.class_weights','False','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('train.ctc_reduction','mean','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('train.padding','none','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('train.speaker_label','actor','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('train.checkpoint_s','300.0','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('search.scope','fold','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('search.sampler','grid','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('search.alphas','(0.1, 0.3)','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('search.betas','(0.2, 0.8)','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('search.metric','ua','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('search.jobs','1','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('noise.kinds','()','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('noise.snr_db','(0.0, 10.0, 20.0)','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('noise.level','active','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('baseline.systems','()','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('drift.max_schema_changes','0','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('drift.max_class_psi','0.25','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('drift.max_duration_ks','0.2','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('drift.max_level_ks','0.2','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('drift.max_added_ks','0.6','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('drift.min_added','30','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('drift.max_lost_speakers','0.1','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('drift.max_lost_utterances','0.05','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('drift.max_changed_utterances','0.2','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('registry.name','mtlser','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('registry.rule','not_worse','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('registry.metrics','(''ua'',)','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('registry.margin','0.02','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('registry.level','0.05','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "params" VALUES('name','made-up','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('about','','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('seed','0','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('data.corpus','iemocap','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('data.root','nowhere','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('data.min_duration_s','0.0','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('data.max_duration_s','60.0','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('data.max_faulty','0.01','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('split.protocol','loso','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('split.speaker_check','0.1','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('split.random_folds','10','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('model.encoder','facebook/wav2vec2-base','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('model.layers','last','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('model.trainable','all','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('model.ctc_head','new','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('model.standardise','False','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('model.dropout','0.0','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('train.alpha','0.1','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('train.beta','0.8','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('train.epochs','100','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('train.patience','10','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('train.optimizer','adam','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('train.learning_rate','2e-05','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('train.weight_decay','0.0','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('train.layer_decay','1.0','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('train.batch_size','8','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('train.bucket_s','60.0','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('train.schedule','constant','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('train.warmup','0.0','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('train.precision','fp32','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('train.gradient_checkpointing','False','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('train.deterministic','False','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('train.spec_augment','False','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('train.class_weights','False','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('train.ctc_reduction','mean','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('train.padding','none','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('train.speaker_label','actor','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('train.checkpoint_s','300.0','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('search.scope','fold','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('search.sampler','grid','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('search.alphas','(0.1, 0.3)','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('search.betas','(0.2, 0.8)','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('search.metric','ua','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('search.jobs','1','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('noise.kinds','()','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('noise.snr_db','(0.0, 10.0, 20.0)','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('noise.level','active','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('baseline.systems','()','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('drift.max_schema_changes','0','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('drift.max_class_psi','0.25','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('drift.max_duration_ks','0.2','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('drift.max_level_ks','0.2','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('drift.max_added_ks','0.6','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('drift.min_added','30','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('drift.max_lost_speakers','0.1','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('drift.max_lost_utterances','0.05','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('drift.max_changed_utterances','0.2','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('registry.name','mtlser','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('registry.rule','not_worse','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('registry.metrics','(''ua'',)','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('registry.margin','0.02','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "params" VALUES('registry.level','0.05','ac5f23baf73c4e1d84f638625f2d5877');
CREATE TABLE "registered_model_aliases" (
	alias VARCHAR(256) NOT NULL, 
	version INTEGER NOT NULL, 
	name VARCHAR(256) NOT NULL, 
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	CONSTRAINT registered_model_alias_pk PRIMARY KEY (workspace, name, alias), 
	CONSTRAINT fk_registered_model_aliases_registered_models FOREIGN KEY(workspace, name) REFERENCES registered_models (workspace, name) ON DELETE CASCADE ON UPDATE CASCADE
);
INSERT INTO "registered_model_aliases" VALUES('challenger',2,'mtlser','default');
INSERT INTO "registered_model_aliases" VALUES('champion',2,'mtlser','default');
CREATE TABLE "registered_model_tags" (
	"key" VARCHAR(250) NOT NULL, 
	value VARCHAR(5000), 
	name VARCHAR(256) NOT NULL, 
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	CONSTRAINT registered_model_tag_pk PRIMARY KEY (workspace, "key", name), 
	CONSTRAINT fk_registered_model_tags_registered_models FOREIGN KEY(workspace, name) REFERENCES registered_models (workspace, name) ON UPDATE CASCADE
);
INSERT INTO "registered_model_tags" VALUES('mtlser.champions','1,2','mtlser','default');
CREATE TABLE "registered_models" (
	name VARCHAR(256) NOT NULL, 
	creation_time BIGINT, 
	last_updated_time BIGINT, 
	description VARCHAR(5000), 
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	CONSTRAINT registered_model_pk PRIMARY KEY (workspace, name)
);
INSERT INTO "registered_models" VALUES('mtlser',1795956475467,1795956478871,NULL,'default');
CREATE TABLE review_queue_items (
	queue_id VARCHAR(36) NOT NULL, 
	item_type VARCHAR(16) NOT NULL, 
	item_id VARCHAR(50) NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	completed_by VARCHAR(250), 
	completed_time_ms BIGINT, 
	creation_time_ms BIGINT NOT NULL, 
	last_update_time_ms BIGINT NOT NULL, 
	CONSTRAINT review_queue_items_pk PRIMARY KEY (queue_id, item_id), 
	CONSTRAINT fk_review_queue_items_queue_id FOREIGN KEY(queue_id) REFERENCES review_queues (queue_id) ON DELETE CASCADE
);
CREATE TABLE review_queue_label_schemas (
	queue_id VARCHAR(36) NOT NULL, 
	schema_id VARCHAR(36) NOT NULL, 
	CONSTRAINT review_queue_label_schemas_pk PRIMARY KEY (queue_id, schema_id), 
	CONSTRAINT fk_review_queue_label_schemas_queue_id FOREIGN KEY(queue_id) REFERENCES review_queues (queue_id) ON DELETE CASCADE
);
CREATE TABLE review_queue_users (
	queue_id VARCHAR(36) NOT NULL, 
	user_id VARCHAR(250) NOT NULL, 
	CONSTRAINT review_queue_users_pk PRIMARY KEY (queue_id, user_id), 
	CONSTRAINT fk_review_queue_users_queue_id FOREIGN KEY(queue_id) REFERENCES review_queues (queue_id) ON DELETE CASCADE
);
CREATE TABLE review_queues (
	queue_id VARCHAR(36) NOT NULL, 
	experiment_id INTEGER NOT NULL, 
	name VARCHAR(250) NOT NULL, 
	queue_type VARCHAR(16) NOT NULL, 
	created_by VARCHAR(255), 
	creation_time_ms BIGINT NOT NULL, 
	last_update_time_ms BIGINT NOT NULL, 
	name_key VARCHAR(250) NOT NULL, 
	CONSTRAINT review_queues_pk PRIMARY KEY (queue_id), 
	CONSTRAINT fk_review_queues_experiment_id FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id) ON DELETE CASCADE, 
	CONSTRAINT uq_review_queues_experiment_name_key UNIQUE (experiment_id, name_key)
);
CREATE TABLE "runs" (
	run_uuid VARCHAR(32) NOT NULL, 
	name VARCHAR(250), 
	source_type VARCHAR(20), 
	source_name VARCHAR(500), 
	entry_point_name VARCHAR(50), 
	user_id VARCHAR(256), 
	status VARCHAR(9), 
	start_time BIGINT, 
	end_time BIGINT, 
	source_version VARCHAR(50), 
	lifecycle_stage VARCHAR(20), 
	artifact_uri VARCHAR(200), 
	experiment_id INTEGER, deleted_time BIGINT, 
	CONSTRAINT run_pk PRIMARY KEY (run_uuid), 
	CONSTRAINT source_type CHECK (source_type IN ('NOTEBOOK', 'JOB', 'LOCAL', 'UNKNOWN', 'PROJECT')), 
	CONSTRAINT runs_lifecycle_stage CHECK (lifecycle_stage IN ('active', 'deleted')), 
	FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id), 
	CHECK (status IN ('SCHEDULED', 'FAILED', 'FINISHED', 'RUNNING', 'KILLED'))
);
INSERT INTO "runs" VALUES('6d4d3cae5edd45a9a8c1d46cc229c1a8','made-up-one','UNKNOWN','','','root','FINISHED',1795956468192,1795956477291,'','active','file:///earlier/mlruns/mtlser/iemocap/6d4d3cae5edd45a9a8c1d46cc229c1a8/artifacts',1,NULL);
INSERT INTO "runs" VALUES('88ec6ec3c40847c3a4673fabb2fa35da','mtlser Ses01: test','UNKNOWN','','','unknown','FINISHED',1795956469156,1795956469391,'','active','file:///earlier/mlruns/mtlser/iemocap/88ec6ec3c40847c3a4673fabb2fa35da/artifacts',1,NULL);
INSERT INTO "runs" VALUES('3db8ee784daf4900b8e4779be7bb8561','mtlser Ses02: test','UNKNOWN','','','unknown','FINISHED',1795956469465,1795956469675,'','active','file:///earlier/mlruns/mtlser/iemocap/3db8ee784daf4900b8e4779be7bb8561/artifacts',1,NULL);
INSERT INTO "runs" VALUES('f96b8bccbe2c4d2fa86927119764ed3c','mtlser Ses03: test','UNKNOWN','','','unknown','FINISHED',1795956469749,1795956469916,'','active','file:///earlier/mlruns/mtlser/iemocap/f96b8bccbe2c4d2fa86927119764ed3c/artifacts',1,NULL);
INSERT INTO "runs" VALUES('a321c2b551054c4f96b978e4315b985a','mtlser Ses04: test','UNKNOWN','','','unknown','FINISHED',1795956469975,1795956470162,'','active','file:///earlier/mlruns/mtlser/iemocap/a321c2b551054c4f96b978e4315b985a/artifacts',1,NULL);
INSERT INTO "runs" VALUES('b8adf2b53dd44ff189ae7bd61373712b','mtlser Ses05: test','UNKNOWN','','','unknown','FINISHED',1795956470228,1795956470422,'','active','file:///earlier/mlruns/mtlser/iemocap/b8adf2b53dd44ff189ae7bd61373712b/artifacts',1,NULL);
INSERT INTO "runs" VALUES('0974a65d538b46edb39a30942d53391d','mtlser Ses06: test','UNKNOWN','','','unknown','FINISHED',1795956470494,1795956470730,'','active','file:///earlier/mlruns/mtlser/iemocap/0974a65d538b46edb39a30942d53391d/artifacts',1,NULL);
INSERT INTO "runs" VALUES('ac5f23baf73c4e1d84f638625f2d5877','made-up-two','UNKNOWN','','','root','FINISHED',1795956477379,1795956481367,'','active','file:///earlier/mlruns/mtlser/iemocap/ac5f23baf73c4e1d84f638625f2d5877/artifacts',1,NULL);
CREATE TABLE scorer_versions (
	scorer_id VARCHAR(36) NOT NULL, 
	scorer_version INTEGER NOT NULL, 
	serialized_scorer TEXT NOT NULL, 
	creation_time BIGINT, 
	CONSTRAINT scorer_version_pk PRIMARY KEY (scorer_id, scorer_version), 
	CONSTRAINT fk_scorer_versions_scorer_id FOREIGN KEY(scorer_id) REFERENCES scorers (scorer_id) ON DELETE CASCADE
);
CREATE TABLE scorers (
	experiment_id INTEGER NOT NULL, 
	scorer_name VARCHAR(256) NOT NULL, 
	scorer_id VARCHAR(36) NOT NULL, 
	CONSTRAINT scorer_pk PRIMARY KEY (scorer_id), 
	CONSTRAINT fk_scorers_experiment_id FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id) ON DELETE CASCADE
);
CREATE TABLE "secrets" (
	secret_id VARCHAR(36) NOT NULL, 
	secret_name VARCHAR(255) NOT NULL, 
	encrypted_value BLOB NOT NULL, 
	wrapped_dek BLOB NOT NULL, 
	kek_version INTEGER NOT NULL, 
	masked_value VARCHAR(500) NOT NULL, 
	provider VARCHAR(64), 
	auth_config TEXT, 
	description TEXT, 
	created_by VARCHAR(255), 
	created_at BIGINT NOT NULL, 
	last_updated_by VARCHAR(255), 
	last_updated_at BIGINT NOT NULL, 
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	CONSTRAINT secrets_pk PRIMARY KEY (secret_id), 
	CONSTRAINT uq_secrets_workspace_secret_name UNIQUE (workspace, secret_name)
);
CREATE TABLE span_metrics (
	trace_id VARCHAR(50) NOT NULL, 
	span_id VARCHAR(50) NOT NULL, 
	"key" VARCHAR(250) NOT NULL, 
	value FLOAT, 
	CONSTRAINT span_metrics_pk PRIMARY KEY (trace_id, span_id, "key"), 
	CONSTRAINT fk_span_metrics_span FOREIGN KEY(trace_id, span_id) REFERENCES spans (trace_id, span_id) ON DELETE CASCADE
);
CREATE TABLE spans (
	trace_id VARCHAR(50) NOT NULL, 
	experiment_id INTEGER NOT NULL, 
	span_id VARCHAR(50) NOT NULL, 
	parent_span_id VARCHAR(50), 
	name TEXT, 
	type VARCHAR(500), 
	status VARCHAR(50) NOT NULL, 
	start_time_unix_nano BIGINT NOT NULL, 
	end_time_unix_nano BIGINT, 
	duration_ns BIGINT GENERATED ALWAYS AS (end_time_unix_nano - start_time_unix_nano) STORED, 
	content TEXT NOT NULL, dimension_attributes JSON, 
	CONSTRAINT spans_pk PRIMARY KEY (trace_id, span_id), 
	CONSTRAINT fk_spans_trace_id FOREIGN KEY(trace_id) REFERENCES trace_info (request_id) ON DELETE CASCADE, 
	CONSTRAINT fk_spans_experiment_id FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id)
);
CREATE TABLE "tags" (
	"key" VARCHAR(250) NOT NULL, 
	value VARCHAR(8000), 
	run_uuid VARCHAR(32) NOT NULL, 
	CONSTRAINT tag_pk PRIMARY KEY ("key", run_uuid), 
	FOREIGN KEY(run_uuid) REFERENCES runs (run_uuid)
);
INSERT INTO "tags" VALUES('mlflow.user','root','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "tags" VALUES('mlflow.source.name','mtlser','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "tags" VALUES('mlflow.source.type','LOCAL','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "tags" VALUES('mtlser.recipe','made-up','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "tags" VALUES('mtlser.recipe_hash','7df8b5bcb8eb','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "tags" VALUES('mtlser.protocol','loso','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "tags" VALUES('mtlser.leaks','false','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "tags" VALUES('mlflow.source.git.commit','92b4eb0745aa67a447f11a10affa67c8283d8f2c','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "tags" VALUES('mtlser.run','one','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "tags" VALUES('mtlser.maker','e5bca98b26844ee48493f646d3b428e7','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "tags" VALUES('mlflow.runName','made-up-one','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "tags" VALUES('mtlser.described','true','6d4d3cae5edd45a9a8c1d46cc229c1a8');
INSERT INTO "tags" VALUES('mtlser.system','mtlser','88ec6ec3c40847c3a4673fabb2fa35da');
INSERT INTO "tags" VALUES('mtlser.split','test','88ec6ec3c40847c3a4673fabb2fa35da');
INSERT INTO "tags" VALUES('mlflow.parentRunId','6d4d3cae5edd45a9a8c1d46cc229c1a8','88ec6ec3c40847c3a4673fabb2fa35da');
INSERT INTO "tags" VALUES('mtlser.key','test-mtlser-f0','88ec6ec3c40847c3a4673fabb2fa35da');
INSERT INTO "tags" VALUES('mtlser.maker','3c3a7c4f7c204919bd5cca12989bd52f','88ec6ec3c40847c3a4673fabb2fa35da');
INSERT INTO "tags" VALUES('mlflow.runName','mtlser Ses01: test','88ec6ec3c40847c3a4673fabb2fa35da');
INSERT INTO "tags" VALUES('mtlser.system','mtlser','3db8ee784daf4900b8e4779be7bb8561');
INSERT INTO "tags" VALUES('mtlser.split','test','3db8ee784daf4900b8e4779be7bb8561');
INSERT INTO "tags" VALUES('mlflow.parentRunId','6d4d3cae5edd45a9a8c1d46cc229c1a8','3db8ee784daf4900b8e4779be7bb8561');
INSERT INTO "tags" VALUES('mtlser.key','test-mtlser-f1','3db8ee784daf4900b8e4779be7bb8561');
INSERT INTO "tags" VALUES('mtlser.maker','69669e364ada4e95bc34a559f12e1562','3db8ee784daf4900b8e4779be7bb8561');
INSERT INTO "tags" VALUES('mlflow.runName','mtlser Ses02: test','3db8ee784daf4900b8e4779be7bb8561');
INSERT INTO "tags" VALUES('mtlser.system','mtlser','f96b8bccbe2c4d2fa86927119764ed3c');
INSERT INTO "tags" VALUES('mtlser.split','test','f96b8bccbe2c4d2fa86927119764ed3c');
INSERT INTO "tags" VALUES('mlflow.parentRunId','6d4d3cae5edd45a9a8c1d46cc229c1a8','f96b8bccbe2c4d2fa86927119764ed3c');
INSERT INTO "tags" VALUES('mtlser.key','test-mtlser-f2','f96b8bccbe2c4d2fa86927119764ed3c');
INSERT INTO "tags" VALUES('mtlser.maker','fddf006e9d624f16804f6ba3699facb6','f96b8bccbe2c4d2fa86927119764ed3c');
INSERT INTO "tags" VALUES('mlflow.runName','mtlser Ses03: test','f96b8bccbe2c4d2fa86927119764ed3c');
INSERT INTO "tags" VALUES('mtlser.system','mtlser','a321c2b551054c4f96b978e4315b985a');
INSERT INTO "tags" VALUES('mtlser.split','test','a321c2b551054c4f96b978e4315b985a');
INSERT INTO "tags" VALUES('mlflow.parentRunId','6d4d3cae5edd45a9a8c1d46cc229c1a8','a321c2b551054c4f96b978e4315b985a');
INSERT INTO "tags" VALUES('mtlser.key','test-mtlser-f3','a321c2b551054c4f96b978e4315b985a');
INSERT INTO "tags" VALUES('mtlser.maker','ed8b5f24c4504d529e057dec3be258e3','a321c2b551054c4f96b978e4315b985a');
INSERT INTO "tags" VALUES('mlflow.runName','mtlser Ses04: test','a321c2b551054c4f96b978e4315b985a');
INSERT INTO "tags" VALUES('mtlser.system','mtlser','b8adf2b53dd44ff189ae7bd61373712b');
INSERT INTO "tags" VALUES('mtlser.split','test','b8adf2b53dd44ff189ae7bd61373712b');
INSERT INTO "tags" VALUES('mlflow.parentRunId','6d4d3cae5edd45a9a8c1d46cc229c1a8','b8adf2b53dd44ff189ae7bd61373712b');
INSERT INTO "tags" VALUES('mtlser.key','test-mtlser-f4','b8adf2b53dd44ff189ae7bd61373712b');
INSERT INTO "tags" VALUES('mtlser.maker','eb9c88f379d04bb78fa84178f61fb78e','b8adf2b53dd44ff189ae7bd61373712b');
INSERT INTO "tags" VALUES('mlflow.runName','mtlser Ses05: test','b8adf2b53dd44ff189ae7bd61373712b');
INSERT INTO "tags" VALUES('mtlser.system','mtlser','0974a65d538b46edb39a30942d53391d');
INSERT INTO "tags" VALUES('mtlser.split','test','0974a65d538b46edb39a30942d53391d');
INSERT INTO "tags" VALUES('mlflow.parentRunId','6d4d3cae5edd45a9a8c1d46cc229c1a8','0974a65d538b46edb39a30942d53391d');
INSERT INTO "tags" VALUES('mtlser.key','test-mtlser-f5','0974a65d538b46edb39a30942d53391d');
INSERT INTO "tags" VALUES('mtlser.maker','f72e3b890876444abb68b94e1cfdfe44','0974a65d538b46edb39a30942d53391d');
INSERT INTO "tags" VALUES('mlflow.runName','mtlser Ses06: test','0974a65d538b46edb39a30942d53391d');
INSERT INTO "tags" VALUES('mlflow.user','root','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "tags" VALUES('mlflow.source.name','mtlser','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "tags" VALUES('mlflow.source.type','LOCAL','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "tags" VALUES('mtlser.recipe','made-up','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "tags" VALUES('mtlser.recipe_hash','6da6409ba3d4','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "tags" VALUES('mtlser.protocol','loso','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "tags" VALUES('mtlser.leaks','false','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "tags" VALUES('mlflow.source.git.commit','92b4eb0745aa67a447f11a10affa67c8283d8f2c','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "tags" VALUES('mtlser.run','two','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "tags" VALUES('mtlser.maker','44d220b460d54b1da9c524ab3e986481','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "tags" VALUES('mlflow.runName','made-up-two','ac5f23baf73c4e1d84f638625f2d5877');
INSERT INTO "tags" VALUES('mtlser.described','true','ac5f23baf73c4e1d84f638625f2d5877');
CREATE TABLE "trace_info" (
	request_id VARCHAR(50) NOT NULL, 
	experiment_id INTEGER NOT NULL, 
	timestamp_ms BIGINT NOT NULL, 
	execution_time_ms BIGINT, 
	status VARCHAR(50) NOT NULL, 
	client_request_id VARCHAR(50), 
	request_preview VARCHAR(1000), 
	response_preview VARCHAR(1000), 
	db_payload_generation INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT trace_info_pk PRIMARY KEY (request_id), 
	CONSTRAINT fk_trace_info_experiment_id FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id) ON DELETE CASCADE
);
CREATE TABLE trace_metrics (
	request_id VARCHAR(50) NOT NULL, 
	"key" VARCHAR(250) NOT NULL, 
	value FLOAT, 
	CONSTRAINT trace_metrics_pk PRIMARY KEY (request_id, "key"), 
	CONSTRAINT fk_trace_metrics_request_id FOREIGN KEY(request_id) REFERENCES trace_info (request_id) ON DELETE CASCADE
);
CREATE TABLE "trace_request_metadata" (
	"key" VARCHAR(250) NOT NULL, 
	value VARCHAR(8000), 
	request_id VARCHAR(50) NOT NULL, 
	CONSTRAINT trace_request_metadata_pk PRIMARY KEY ("key", request_id), 
	CONSTRAINT fk_trace_request_metadata_request_id FOREIGN KEY(request_id) REFERENCES trace_info (request_id) ON DELETE CASCADE
);
CREATE TABLE "trace_tags" (
	"key" VARCHAR(250) NOT NULL, 
	value VARCHAR(8000), 
	request_id VARCHAR(50) NOT NULL, 
	CONSTRAINT trace_tag_pk PRIMARY KEY ("key", request_id), 
	CONSTRAINT fk_trace_tags_request_id FOREIGN KEY(request_id) REFERENCES trace_info (request_id) ON DELETE CASCADE
);
CREATE TABLE webhook_events (
	webhook_id VARCHAR(256) NOT NULL, 
	entity VARCHAR(50) NOT NULL, 
	action VARCHAR(50) NOT NULL, 
	CONSTRAINT webhook_event_pk PRIMARY KEY (webhook_id, entity, action), 
	FOREIGN KEY(webhook_id) REFERENCES webhooks (webhook_id) ON DELETE cascade
);
CREATE TABLE "webhooks" (
	webhook_id VARCHAR(256) NOT NULL, 
	name VARCHAR(256) NOT NULL, 
	description VARCHAR(1000), 
	url VARCHAR(500) NOT NULL, 
	status VARCHAR(20) DEFAULT 'ACTIVE' NOT NULL, 
	secret VARCHAR(1000), 
	creation_timestamp BIGINT, 
	last_updated_timestamp BIGINT, 
	deleted_timestamp BIGINT, 
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	CONSTRAINT webhook_pk PRIMARY KEY (webhook_id)
);
CREATE TABLE workspaces (
	name VARCHAR(63) NOT NULL, 
	description TEXT, 
	default_artifact_root TEXT, trace_archival_location TEXT, trace_archival_retention VARCHAR(32), 
	CONSTRAINT workspaces_pk PRIMARY KEY (name)
);
INSERT INTO "workspaces" VALUES('default','Default workspace for legacy resources',NULL,NULL,NULL);
CREATE INDEX index_metrics_run_uuid ON metrics (run_uuid);
CREATE INDEX index_latest_metrics_run_uuid ON latest_metrics (run_uuid);
CREATE INDEX index_inputs_destination_type_destination_id_source_type ON inputs (destination_type, destination_id, source_type);
CREATE INDEX index_inputs_input_uuid ON inputs (input_uuid);
CREATE INDEX index_params_run_uuid ON params (run_uuid);
CREATE INDEX index_trace_tags_request_id ON trace_tags (request_id);
CREATE INDEX index_trace_request_metadata_request_id ON trace_request_metadata (request_id);
CREATE INDEX index_tags_run_uuid ON tags (run_uuid);
CREATE INDEX index_datasets_dataset_uuid ON datasets (dataset_uuid);
CREATE INDEX index_datasets_experiment_id_dataset_source_type ON datasets (experiment_id, dataset_source_type);
CREATE INDEX index_logged_model_metrics_model_id ON logged_model_metrics (model_id);
CREATE INDEX index_assessments_trace_id_created_timestamp ON assessments (trace_id, created_timestamp);
CREATE INDEX index_assessments_run_id_created_timestamp ON assessments (run_id, created_timestamp);
CREATE INDEX index_assessments_last_updated_timestamp ON assessments (last_updated_timestamp);
CREATE INDEX index_assessments_assessment_type ON assessments (assessment_type);
CREATE INDEX index_spans_experiment_id_status_type ON spans (experiment_id, status, type);
CREATE INDEX index_spans_experiment_id_type_status ON spans (experiment_id, type, status);
CREATE INDEX index_spans_experiment_id_duration ON spans (experiment_id, duration_ns);
CREATE INDEX index_entity_associations_association_id ON entity_associations (association_id);
CREATE INDEX index_entity_associations_reverse_lookup ON entity_associations (destination_type, destination_id, source_type, source_id);
CREATE INDEX idx_webhook_events_entity ON webhook_events (entity);
CREATE INDEX idx_webhook_events_action ON webhook_events (action);
CREATE INDEX idx_webhook_events_entity_action ON webhook_events (entity, action);
CREATE UNIQUE INDEX index_scorers_experiment_id_scorer_name ON scorers (experiment_id, scorer_name);
CREATE INDEX index_scorer_versions_scorer_id ON scorer_versions (scorer_id);
CREATE INDEX index_evaluation_dataset_tags_dataset_id ON evaluation_dataset_tags (dataset_id);
CREATE INDEX index_evaluation_dataset_records_dataset_id ON evaluation_dataset_records (dataset_id);
CREATE INDEX index_endpoint_model_mappings_endpoint_id ON endpoint_model_mappings (endpoint_id);
CREATE INDEX index_endpoint_model_mappings_model_definition_id ON endpoint_model_mappings (model_definition_id);
CREATE INDEX index_endpoint_tags_endpoint_id ON endpoint_tags (endpoint_id);
CREATE INDEX index_trace_metrics_request_id ON trace_metrics (request_id);
CREATE UNIQUE INDEX unique_endpoint_model_linkage_mapping ON endpoint_model_mappings (endpoint_id, model_definition_id, linkage_type);
CREATE INDEX index_span_metrics_trace_id_span_id ON span_metrics (trace_id, span_id);
CREATE INDEX index_evaluation_datasets_created_time ON evaluation_datasets (created_time);
CREATE INDEX index_evaluation_datasets_name ON evaluation_datasets (name);
CREATE INDEX idx_webhooks_status ON webhooks (status);
CREATE INDEX idx_webhooks_name ON webhooks (name);
CREATE TRIGGER prevent_secrets_aad_mutation
BEFORE UPDATE ON secrets
FOR EACH ROW
WHEN OLD.secret_id != NEW.secret_id OR OLD.secret_name != NEW.secret_name
BEGIN
    SELECT RAISE(ABORT, 'secret_id and secret_name are immutable (used as AAD in encryption)');
END;
CREATE INDEX index_model_definitions_provider ON model_definitions (provider);
CREATE INDEX index_model_definitions_secret_id ON model_definitions (secret_id);
CREATE INDEX index_jobs_name_status_creation_time ON jobs (job_name, workspace, status, creation_time);
CREATE INDEX idx_experiments_workspace ON experiments (workspace);
CREATE INDEX idx_registered_models_workspace ON registered_models (workspace);
CREATE INDEX idx_experiments_workspace_creation_time ON experiments (workspace, creation_time);
CREATE INDEX idx_evaluation_datasets_workspace ON evaluation_datasets (workspace);
CREATE INDEX idx_webhooks_workspace ON webhooks (workspace);
CREATE INDEX idx_secrets_workspace ON secrets (workspace);
CREATE INDEX idx_endpoints_workspace ON endpoints (workspace);
CREATE INDEX idx_model_definitions_workspace ON model_definitions (workspace);
CREATE INDEX idx_budget_policies_workspace ON budget_policies (workspace);
CREATE INDEX index_issues_experiment_id ON issues (experiment_id);
CREATE INDEX index_issues_source_run_id ON issues (source_run_id);
CREATE INDEX index_issues_status ON issues (status);
CREATE INDEX index_metrics_run_uuid_key_step ON metrics (run_uuid, "key", step);
CREATE INDEX idx_guardrails_workspace ON guardrails (workspace);
CREATE INDEX idx_guardrails_scorer ON guardrails (scorer_id, scorer_version);
CREATE INDEX idx_guardrail_configs_endpoint_id ON guardrail_configs (endpoint_id);
CREATE INDEX idx_guardrail_configs_guardrail_id ON guardrail_configs (guardrail_id);
CREATE INDEX idx_model_version_tags_workspace_name_version ON model_version_tags (workspace, name, version);
CREATE INDEX idx_registered_model_tags_workspace_name ON registered_model_tags (workspace, name);
CREATE INDEX index_label_schemas_experiment_id ON label_schemas (experiment_id);
CREATE INDEX index_review_queues_experiment_id ON review_queues (experiment_id);
CREATE INDEX index_review_queue_users_user_id ON review_queue_users (user_id);
CREATE INDEX index_review_queue_items_queue_id_status ON review_queue_items (queue_id, status);
CREATE INDEX index_review_queue_items_item_id ON review_queue_items (item_id);
CREATE INDEX index_review_queue_label_schemas_schema_id ON review_queue_label_schemas (schema_id);
CREATE INDEX idx_mcp_server_versions_latest ON mcp_server_versions (workspace, name, status, version_major DESC, version_minor DESC, version_patch DESC);
CREATE INDEX ix_mcp_access_endpoints_server_name ON mcp_access_endpoints (workspace, server_name);
CREATE INDEX ix_mcp_access_endpoints_version ON mcp_access_endpoints (workspace, server_name, server_version);
CREATE INDEX ix_mcp_access_endpoints_alias ON mcp_access_endpoints (workspace, server_name, server_alias);
CREATE INDEX index_spans_experiment_id_start_time ON spans (experiment_id, start_time_unix_nano);
CREATE INDEX idx_budget_policies_target_value ON budget_policies (target_value);
CREATE INDEX index_trace_info_experiment_id_timestamp_ms ON trace_info (experiment_id, timestamp_ms);
CREATE INDEX index_trace_info_timestamp_ms_request_id ON trace_info (timestamp_ms, request_id);
COMMIT;
